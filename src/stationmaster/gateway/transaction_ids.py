"""Which transactionId may a StartTransaction get here, if nobody else can be asked in time?

Ids are leased from the backend in blocks, kept on disk. A block is taken off the disk, durably, before its
first id is used: so a restarted gateway has no begun block any more, and never gives an id that it may have
given before.
"""

import asyncio
from collections import deque
from typing import Final

import msgspec
import structlog

from stationmaster.gateway import metrics
from stationmaster.gateway.ports import StationDirectory
from stationmaster.gateway.stamping import document
from stationmaster.infra.records import RecordFile
from stationmaster.infra.runtime import Runtime
from stationmaster.kernel.errors import Unavailable

log = structlog.get_logger()

SPACE: Final = "ids"
RETRY_S: Final = 2.0
RETRY_MAX_S: Final = 30.0
FIRST_WITHIN_S: Final = 2.0
"""How long a start waits for the first lease: without one, starts cannot be answered offline."""


class TransactionIds:
    """``take`` never waits."""

    def __init__(self, directory: StationDirectory, file: RecordFile, runtime: Runtime, *, per_lease: int):
        self._directory, self._file, self._runtime, self._per_lease = directory, file, runtime, per_lease
        self._gateway_id = ""
        self._ready: deque[int] = deque()  # of begun blocks
        self._untouched: dict[str, list[int]] = {}
        self._refilling: asyncio.Task[None] | None = None

    async def start(self, gateway_id: str) -> None:
        self._gateway_id = gateway_id
        kept = await self._file.load(SPACE)
        self._untouched = {key: msgspec.json.decode(value, type=list[int]) for key, value in kept.items()}
        if self._untouched:
            await self._begin()
        self._want_more()
        if not self._ready and self._refilling is not None:
            await asyncio.wait([self._refilling], timeout=FIRST_WITHIN_S)

    async def stop(self) -> None:
        if self._refilling is not None:
            self._refilling.cancel()
            await asyncio.gather(self._refilling, return_exceptions=True)

    def take(self) -> int | None:
        """An id that nobody ever had; None when there are none in hand."""
        taken = self._ready.popleft() if self._ready else None
        metrics.LEASED_IDS.set(len(self._ready))
        self._want_more()
        return taken

    @property
    def _is_low(self) -> bool:
        return 2 * len(self._ready) < self._per_lease

    def _want_more(self) -> None:
        """Keep half a block begun and one block untouched."""
        is_idle = self._refilling is None or self._refilling.done()
        if is_idle and (self._is_low or not self._untouched):
            self._refilling = self._runtime.spawn(self._refill(), name="gateway:ids")

    async def _refill(self) -> None:
        wait_s = RETRY_S
        while self._is_low or not self._untouched:
            try:
                await self._more()
            except Unavailable as error:
                log.warning("gateway.ids.unavailable", error=str(error), left=len(self._ready))
                await self._runtime.sleep(wait_s)
                wait_s = min(2 * wait_s, RETRY_MAX_S)

    async def _more(self) -> None:
        if self._untouched and self._is_low:
            await self._begin()
            return
        leased = await self._directory.lease_transaction_ids(self._gateway_id, self._per_lease)
        key = str(leased[0])
        await self._file.put(SPACE, {key: document(leased)})
        self._untouched[key] = leased

    async def _begin(self) -> None:
        key = next(iter(self._untouched))
        await self._file.delete(SPACE, [key])
        self._ready.extend(self._untouched.pop(key))
        metrics.LEASED_IDS.set(len(self._ready))
