"""How a station's password is kept and compared.

A keyed hash (HMAC-SHA256 with a pepper that is not in the database) and no slow password hash: station keys
are at least 16 random bytes, so guessing is hopeless anyway, and a storm of reconnects must stay cheap.
"""

import hmac

MIN_PASSWORD_BYTES = 16


def digest(pepper: bytes, password: bytes) -> str:
    """Hex HMAC-SHA256."""
    return hmac.digest(pepper, password, "sha256").hex()


def matches(pepper: bytes, password: bytes, expected: str) -> bool:
    """Constant-time comparison."""
    return hmac.compare_digest(digest(pepper, password).encode(), expected.encode())
