"""How do losable facts reach the bus without holding anybody up, or costing more than they are worth?

They wait in a bounded line, the oldest are lost first. Somebody who watches needs no more than one a second
of a kind about a thing, so a newer one takes the place of the one that still waits. Hand ``publish`` to
`Database.on_hints` and run ``run``.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from itertools import islice

import structlog

from stationmaster.contracts import facts
from stationmaster.contracts.facts import Fact
from stationmaster.contracts.topology import Names
from stationmaster.infra.bus.port import Bus, Message
from stationmaster.infra.runtime import Runtime

log = structlog.get_logger()

WAITING_MAX = 5_000
BATCH = 500
EVERY_S = 1.0
AWAY_PAUSE_S = 0.5

_About = tuple[object, ...]


class HintPublisher:
    """The first hint after a quiet time leaves at once, the others together, every ``every_s``."""

    def __init__(
        self,
        bus: Bus,
        runtime: Runtime,
        names: Names | None = None,
        *,
        waiting_max: int = WAITING_MAX,
        every_s: float = EVERY_S,
    ):
        self._bus = bus
        self._runtime = runtime
        self._exchange = (names or Names()).facts
        self._waiting_max, self._every_s = waiting_max, every_s
        self._waiting: OrderedDict[_About, Fact] = OrderedDict()
        self._woken = asyncio.Event()
        self.lost = 0

    async def publish(self, hints: Sequence[Fact]) -> None:
        """Returns at once."""
        for hint in hints:
            self._waiting[_about(hint)] = hint
        while len(self._waiting) > self._waiting_max:
            self._waiting.popitem(last=False)
            self.lost += 1
        self._woken.set()

    async def run(self) -> None:
        """For as long as the process lives."""
        while True:
            await self._woken.wait()
            self._woken.clear()
            for _ in range(0, len(self._waiting), BATCH):
                while not self._bus.ready:
                    await self._runtime.sleep(AWAY_PAUSE_S)
                await self._send()
            await self._runtime.sleep(self._every_s)

    async def _send(self) -> None:
        about = list(islice(self._waiting, BATCH))
        hints = [self._waiting.pop(one) for one in about]
        outcomes = await asyncio.gather(
            *(self._bus.publish(self._message(hint)) for hint in hints), return_exceptions=True
        )
        errors = [outcome for outcome in outcomes if outcome is not None]
        if errors:
            self.lost += len(errors)
            log.warning("hints.lost", count=len(errors), error=str(errors[0]))

    def _message(self, hint: Fact) -> Message:
        return Message(self._exchange, hint.type, facts.encode(hint), hint.id, group="hints")


def _about(hint: Fact) -> _About:
    return hint.type, hint.station_id, hint.connector_id, hint.session_id
