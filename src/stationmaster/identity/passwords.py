"""People's passwords: argon2, in a thread, the same time for a stranger as for a wrong password."""

import asyncio
from functools import lru_cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from stationmaster.kernel.errors import Invalid

LENGTH_MIN = 8
LENGTH_MAX = 256
"""Longer ones would only give a stranger a way to make us work."""

_hasher = PasswordHasher()


@lru_cache(maxsize=1)
def _nobodys_hash() -> str:
    """Verified when there is no such person, so that the answer takes as long."""
    return _hasher.hash("nobody has this password")


async def hash_of(password: str) -> str:
    """What is stored. Raises Invalid for one that is too short or too long."""
    if not LENGTH_MIN <= len(password) <= LENGTH_MAX:
        raise Invalid("bad_password", f"A password has {LENGTH_MIN} to {LENGTH_MAX} characters.")
    return await asyncio.to_thread(_hasher.hash, password)


async def is_right(password: str, stored: str | None) -> bool:
    """``stored`` None: nobody is there, which takes as long to find out."""
    return await asyncio.to_thread(_verify, password[: LENGTH_MAX + 1], stored)


def _verify(password: str, stored: str | None) -> bool:
    try:
        _hasher.verify(stored or _nobodys_hash(), password)
    except (VerificationError, InvalidHashError):
        return False
    return stored is not None
