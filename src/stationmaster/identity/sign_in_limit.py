"""Has somebody tried too many passwords?

Counted per address and account together, so that a stranger cannot lock the owner out from elsewhere. The
count lives in the cache: when that is away, people can still sign in.
"""

import hashlib

import structlog

from stationmaster.infra.cache.port import Cache
from stationmaster.kernel.errors import Refused, Unavailable

FAILURES_MAX = 10
WAIT_S = 15 * 60.0

log = structlog.get_logger()


def key_of(*, address: str, email: str) -> str:
    return "sign-in:" + hashlib.sha256(f"{address} {email}".encode()).hexdigest()


async def count_attempt(cache: Cache, key: str) -> None:
    """Counted before the password is looked at, so that many at once count too. Raises Refused (429)."""
    try:
        if len(await cache.recent(key, limit=FAILURES_MAX)) >= FAILURES_MAX:
            log.warning("sign_in.blocked")
            raise Refused(
                "too_many_attempts", "Too many failed attempts: wait a quarter of an hour.", status=429
            )
        await cache.push(key, "1", keep=FAILURES_MAX, ttl_s=WAIT_S)
    except Unavailable:
        log.warning("sign_in.uncounted")


async def forget(cache: Cache, key: str) -> None:
    """The right password came."""
    try:
        await cache.delete(key)
    except Unavailable:
        log.warning("sign_in.uncounted")
