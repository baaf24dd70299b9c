"""Who publishes the losable facts of a unit of work, once it is committed?

Hand ``publish`` to `Database.on_hints` and run ``run``.
"""

import asyncio
from collections import deque
from collections.abc import Sequence

import structlog

from stationmaster.contracts import facts
from stationmaster.contracts.facts import Fact
from stationmaster.contracts.topology import Names
from stationmaster.infra.bus.port import Bus, Message
from stationmaster.infra.runtime import Runtime

log = structlog.get_logger()

WAITING_MAX = 5_000
BATCH = 500
AWAY_PAUSE_S = 0.5


class HintPublisher:
    """Hints of one instant travel packed together."""

    def __init__(
        self, bus: Bus, runtime: Runtime, names: Names | None = None, *, waiting_max: int = WAITING_MAX
    ):
        self._bus = bus
        self._runtime = runtime
        self._exchange = (names or Names()).facts
        self._waiting: deque[Fact] = deque(maxlen=waiting_max)
        self._woken = asyncio.Event()
        self.lost = 0

    async def publish(self, hints: Sequence[Fact]) -> None:
        """Returns at once."""
        assert self._waiting.maxlen is not None
        self.lost += max(0, len(self._waiting) + len(hints) - self._waiting.maxlen)
        self._waiting.extend(hints)
        self._woken.set()

    async def run(self) -> None:
        """For as long as the process lives."""
        while True:
            await self._woken.wait()
            self._woken.clear()
            while self._waiting:
                if not self._bus.ready:
                    await self._runtime.sleep(AWAY_PAUSE_S)
                    continue
                await self._send()

    async def _send(self) -> None:
        hints = [self._waiting.popleft() for _ in range(min(BATCH, len(self._waiting)))]
        outcomes = await asyncio.gather(
            *(self._bus.publish(self._message(hint)) for hint in hints), return_exceptions=True
        )
        errors = [outcome for outcome in outcomes if outcome is not None]
        if errors:
            self.lost += len(errors)
            log.warning("hints.lost", count=len(errors), error=str(errors[0]))

    def _message(self, hint: Fact) -> Message:
        return Message(self._exchange, hint.type, facts.encode(hint), hint.id, group="hints")
