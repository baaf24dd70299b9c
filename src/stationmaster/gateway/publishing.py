"""How does a frame become durable? The ladder: the bus, else the spool, else nowhere (architecture 3.3).

Publishes are started at once and pipelined; whoever put a message is called back when it is durable, or when
it can be made durable nowhere. Once a station has something in the spool its later messages go there too,
until it is drained, so that the transport stays roughly in order (the database restores the rest).
"""

import asyncio
from collections.abc import Callable

import structlog

from stationmaster.gateway import metrics
from stationmaster.gateway.ports import Spool
from stationmaster.infra.bus.port import Bus, Message
from stationmaster.infra.runtime import Runtime
from stationmaster.kernel.errors import StationmasterError, Unavailable

log = structlog.get_logger()

DRAIN_BATCH = 256
RETRY_S = 1.0
CLOSED_AFTER_FAILURE_S = 5.0
"""How long the door stays shut after a message could be made durable nowhere."""


class Outgoing:
    """One message on its way; also the callback of its publish, so that nothing else is made per frame."""

    __slots__ = ("_ladder", "may_spool", "message", "since", "station_id")

    def __init__(self, ladder: "Publishing", station_id: str, message: Message):
        self._ladder, self.station_id, self.message = ladder, station_id, message
        self.may_spool, self.since = True, 0.0

    def __call__(self, published: asyncio.Future[None]) -> None:
        self._ladder.published(self, published)

    def settled(self, is_durable: bool) -> None:
        """It is durable, or it can be made durable nowhere."""
        raise NotImplementedError


class _Sent(Outgoing):
    """With a function to call when it is settled."""

    __slots__ = ("_then",)

    def __init__(self, ladder: "Publishing", station_id: str, message: Message, then: Callable[[bool], None]):
        super().__init__(ladder, station_id, message)
        self._then = then

    def settled(self, is_durable: bool) -> None:
        self._then(is_durable)


class Publishing:
    """See the module's docstring. ``stop`` only after ``flush``."""

    def __init__(self, bus: Bus, spool: Spool | None, runtime: Runtime):
        self._bus, self._spool, self._runtime = bus, spool, runtime
        self._clock = runtime.clock
        self._spooled: dict[str, int] = {}  # station -> messages in the spool or on their way into it
        self._for_spool: list[Outgoing] = []
        self._waiting: dict[str, list[Outgoing]] = {}  # for the last of their station's spooled ones
        self._writing = False
        self._in_flight = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self._has_spooled = asyncio.Event()
        self._failed_at = float("-inf")
        self._drainer: asyncio.Task[None] | None = None

    @property
    def is_open(self) -> bool:
        """May stations be let in? No, while what they say could be kept nowhere."""
        if self._clock.monotonic() - self._failed_at < CLOSED_AFTER_FAILURE_S:
            return False
        return self._bus.ready or (self._spool is not None and not self._spool.is_full)

    async def start(self) -> None:
        if self._spool is None:
            return
        self._spooled = dict(await self._spool.stations())
        metrics.SPOOL_DEPTH.set(self._spool.depth)
        if self._spooled:
            self._has_spooled.set()
        self._drainer = self._runtime.spawn(self._drain(self._spool), name="gateway:drain")

    async def stop(self) -> None:
        if self._drainer is not None:
            self._drainer.cancel()
            await asyncio.gather(self._drainer, return_exceptions=True)

    async def flush(self, within_s: float) -> bool:
        """Wait until nothing is under way. False: something still is."""
        try:
            async with asyncio.timeout(within_s):
                await self._idle.wait()
        except TimeoutError:
            return False
        return True

    async def drained(self, within_s: float) -> None:
        """Give the spool a chance to empty before stations are let in."""
        try:
            async with asyncio.timeout(within_s):
                while self._spooled and self._bus.ready:
                    await self._runtime.sleep(0.02)
        except TimeoutError:
            return

    def send(
        self, station_id: str, message: Message, then: Callable[[bool], None], *, may_spool: bool = True
    ) -> None:
        item = _Sent(self, station_id, message, then)
        item.may_spool = may_spool
        self.put(item)

    def put(self, item: Outgoing) -> None:
        """Start making it durable."""
        item.since = self._clock.monotonic()
        self._in_flight += 1
        self._idle.clear()
        if self._spooled and item.station_id in self._spooled:
            self._put_behind(item)
        elif self._bus.ready:
            self._bus.submit(item.message).add_done_callback(item)
        else:
            self._to_spool(item)

    def _put_behind(self, item: Outgoing) -> None:
        """Behind the station's spooled messages: on disk too; or, while the last ones are being drained, for
        that moment in memory - else a busy station would never leave the spool."""
        is_nearly_drained = self._bus.ready and self._spool is not None and self._spool.depth <= DRAIN_BATCH
        if item.station_id in self._waiting or is_nearly_drained:
            self._waiting.setdefault(item.station_id, []).append(item)
        else:
            self._to_spool(item)

    def _spool_waiting(self) -> None:
        """The drain stopped: nobody may wait for it any more."""
        waiting, self._waiting = self._waiting, {}
        for items in waiting.values():
            for item in items:
                self._to_spool(item)

    def published(self, item: Outgoing, outcome: asyncio.Future[None]) -> None:
        if not outcome.cancelled() and outcome.exception() is None:
            metrics.CONFIRM_S.observe(self._clock.monotonic() - item.since)
            self._settle(item, is_durable=True)
        else:
            self._to_spool(item)

    def _settle(self, item: Outgoing, *, is_durable: bool) -> None:
        self._in_flight -= 1
        if self._in_flight == 0:
            self._idle.set()
        if not is_durable:
            metrics.UNDURABLE.inc()
        item.settled(is_durable)

    # Into the spool.

    def _to_spool(self, item: Outgoing) -> None:
        if self._spool is None or not item.may_spool:
            self._lost(item)
            return
        self._spooled[item.station_id] = self._spooled.get(item.station_id, 0) + 1
        self._for_spool.append(item)
        if not self._writing:
            self._writing = True
            _ = self._runtime.spawn(self._write(self._spool), name="gateway:spool")

    def _lost(self, item: Outgoing) -> None:
        if item.may_spool:
            self._failed_at = self._clock.monotonic()
        self._settle(item, is_durable=False)

    async def _write(self, spool: Spool) -> None:
        """Everything that waits, as one append, until nothing waits."""
        try:
            while self._for_spool:
                batch, self._for_spool = self._for_spool, []
                await self._append(spool, batch)
        finally:
            self._writing = False

    async def _append(self, spool: Spool, batch: list[Outgoing]) -> None:
        try:
            await spool.append([(item.station_id, item.message) for item in batch])
        except (StationmasterError, OSError) as error:
            log.error("gateway.spool.failed", error=str(error), messages=len(batch))
            self._forget([item.station_id for item in batch])
            for item in batch:
                self._lost(item)
            return
        metrics.SPOOLED.inc(len(batch))
        metrics.SPOOL_DEPTH.set(spool.depth)
        self._has_spooled.set()
        for item in batch:
            self._settle(item, is_durable=True)

    def _forget(self, station_ids: list[str]) -> None:
        for station_id in station_ids:
            left = self._spooled.get(station_id, 0) - 1
            if left > 0:
                self._spooled[station_id] = left
            else:
                self._spooled.pop(station_id, None)
                self._let_go(station_id)

    def _let_go(self, station_id: str) -> None:
        """Nothing of this station is in the spool any more."""
        for item in self._waiting.pop(station_id, ()):
            self._bus.submit(item.message).add_done_callback(item)

    # Out of the spool.

    async def _drain(self, spool: Spool) -> None:
        while True:
            await self._has_spooled.wait()
            if not self._bus.ready or not await self._drain_some(spool):
                self._spool_waiting()
                await self._runtime.sleep(RETRY_S)

    async def _drain_some(self, spool: Spool) -> bool:
        """Publish the oldest in order, remove what was confirmed. False: try again later."""
        try:
            batch = await spool.oldest(DRAIN_BATCH)
            if not batch:
                return self._is_drained(spool)
            publishes = [self._bus.submit(message) for _, _, message in batch]
            outcomes = await asyncio.gather(*publishes, return_exceptions=True)
            confirmed = [entry for entry, outcome in zip(batch, outcomes, strict=True) if outcome is None]
            await spool.remove([key for key, _, _ in confirmed])
        except Unavailable as error:
            log.warning("gateway.spool.drain_failed", error=str(error))
            return False
        self._forget([station_id for _, station_id, _ in confirmed])
        metrics.SPOOL_DEPTH.set(spool.depth)
        return len(confirmed) == len(batch)

    def _is_drained(self, spool: Spool) -> bool:
        """Empty on disk; messages may still be on their way into it."""
        if not self._for_spool and not self._writing:
            self._has_spooled.clear()
            self._spooled.clear()
            for station_id in list(self._waiting):
                self._let_go(station_id)
            metrics.SPOOL_DEPTH.set(spool.depth)
        return True
