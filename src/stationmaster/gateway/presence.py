"""Where is a station now? Told to the cache, for whoever wants to reach it; never the truth (reliability
3).
"""

import asyncio
from collections.abc import Iterable
from typing import Final

import structlog

from stationmaster.contracts.presence import Place, key_of, read
from stationmaster.gateway.stamping import document
from stationmaster.infra.cache.port import Cache
from stationmaster.kernel.errors import Unavailable

log = structlog.get_logger()

PER_CALL: Final = 500
ASK_WITHIN_S: Final = 1.0
"""A station waits for this answer; without it, epochs alone must tell old from new."""


class Presence:
    """A cache that is away costs nothing but a log line: the next refresh tells everything again."""

    def __init__(self, cache: Cache, *, ttl_s: float):
        self._cache, self._ttl_s = cache, ttl_s

    async def whereabouts(self, station_id: str) -> Place | None:
        """None: nowhere, or nobody knows."""
        try:
            async with asyncio.timeout(ASK_WITHIN_S):
                text = await self._cache.get(key_of(station_id))
        except (Unavailable, TimeoutError):
            return None
        return read(text)

    async def tell(self, places: Iterable[tuple[str, Place]]) -> None:
        values = [(key_of(station_id), document(place).decode()) for station_id, place in places]
        try:
            for first in range(0, len(values), PER_CALL):
                await self._cache.put_many(dict(values[first : first + PER_CALL]), ttl_s=self._ttl_s)
        except Unavailable as error:
            log.warning("gateway.presence.unavailable", error=str(error))

    async def gone(self, station_id: str, place: Place) -> None:
        """Compare and delete: a newer link's entry stays."""
        try:
            await self._cache.delete_if(key_of(station_id), document(place).decode())
        except Unavailable:
            return
