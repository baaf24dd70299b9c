"""Which name and password does an Authorization header carry?"""

import base64
import binascii
from typing import Final

from stationmaster.gateway.limits import IDENTITY_LENGTH_MAX, PASSWORD_BYTES_MAX

_HEADER_MAX: Final = 4 * (IDENTITY_LENGTH_MAX + 1 + PASSWORD_BYTES_MAX) // 3 + 16


def password_of(header: str | None, identity: str) -> bytes | None:
    """The password, when the header is Basic and its user name is the identity in the path; else None.

    The name is compared before the colon is looked for: an identity may contain one, and so may a password.
    Passwords are bytes (OCPP 1.6 security whitepaper, 3.1), not text.
    """
    if header is None or len(header) > _HEADER_MAX:
        return None
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        decoded = base64.b64decode(encoded.strip(), validate=True)
    except (binascii.Error, ValueError):
        return None
    name = identity.encode() + b":"
    return decoded[len(name) :] if decoded.startswith(name) else None
