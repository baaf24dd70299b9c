"""How does a station stay connected, through every loss?"""

import asyncio
from collections.abc import Awaitable, Callable

from stationmaster.infra.runtime import Runtime
from stationmaster.simulator.spec import Pace
from stationmaster.simulator.talk import NoAnswer, Talk
from stationmaster.simulator.wire import CannotConnect, Dial, Wire

TICK_S = 1.0


class Line:
    """Connects, and again with growing back-off; each connection is handed to the ``talk``. ``on_open`` runs
    at each new connection and is cancelled with it."""

    def __init__(
        self, talk: Talk, *, dial: Dial, on_open: Callable[[], Awaitable[None]], runtime: Runtime, pace: Pace
    ):
        self._talk, self._dial, self._on_open = talk, dial, on_open
        self._runtime, self._pace = runtime, pace
        self._wire: Wire | None = None
        self._gone = asyncio.Event()
        self._failures = 0
        self._rest_s = 0.0

    async def run(self) -> None:
        """For ever."""
        while True:
            self._gone.clear()
            try:
                await self._dial(self)
            except CannotConnect as error:
                self._talk.stats.cannot_connect += 1
                self._talk.stats.last_error = str(error)
            else:
                await self._live()
            self._failures += 1
            rest_s, self._rest_s = self._rest_s, 0.0
            await self._runtime.sleep(rest_s or self._back_off_s())

    def _back_off_s(self) -> float:
        grown = self._pace.back_off_s * 2.0 ** min(self._failures - 1, 10)
        return min(self._pace.back_off_max_s, grown) * (0.5 + 0.5 * self._runtime.ids.random())

    async def _live(self) -> None:
        opening = self._runtime.spawn(self._opening(), name="line:opening")
        ticking = self._runtime.spawn(self._tick(), name="line:tick")
        try:
            await self._gone.wait()
        finally:
            opening.cancel()
            ticking.cancel()

    async def _opening(self) -> None:
        try:
            await self._on_open()
        except NoAnswer:
            self.drop()

    async def _tick(self) -> None:
        while True:
            await self._runtime.sleep(TICK_S)
            self._talk.tick()

    # What the wire tells (wire.Receiver).

    def connected(self, wire: Wire) -> None:
        self._wire = wire
        self._talk.opened(wire)

    def received(self, data: bytes) -> None:
        self._failures = 0
        self._talk.received(data)

    def lost(self) -> None:
        if self._wire is not None:
            self._wire = None
            self._talk.closed()
            self._gone.set()

    # What the station wants.

    def drop(self) -> None:
        """Vanish, as with a pulled cable."""
        if self._wire is not None:
            self._wire.drop()

    def close(self, *, rest_s: float = 0.0) -> None:
        """Say goodbye, and come back after ``rest_s`` (0: after the usual back-off)."""
        self._rest_s = rest_s
        if self._wire is not None:
            self._wire.close()
