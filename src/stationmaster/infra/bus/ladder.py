"""Where does a failed delivery go next? One rung up, then to the dead letters; losable queues just forget
it."""

from dataclasses import dataclass
from typing import Final

from stationmaster.contracts.topology import Topology, dead_queue, retry_queue
from stationmaster.infra.bus.port import Delivery

EXPIRED: Final = "expired"

TRIES_WITHOUT_LADDER: Final = 3
_PAUSE_WITHOUT_LADDER_S: Final = 0.2


@dataclass(frozen=True, slots=True)
class Again:
    """Wait in ``waiting_queue`` for ``delay_s``, then the next attempt."""

    waiting_queue: str
    delay_s: float


@dataclass(frozen=True, slots=True)
class Dead:
    """Set aside in this queue, for people."""

    queue: str


@dataclass(frozen=True, slots=True)
class Forget:
    """A hint or a mailbox: nobody would look at its dead letters."""


class Ladder:
    """The rule, for one topology. Mailboxes have no ladder."""

    def __init__(self, topology: Topology) -> None:
        self._delays = topology.retry_delays_s
        self._laddered = {queue.name for queue in topology.queues if queue.ladder}

    def after(self, delivery: Delivery) -> Again | Dead | Forget:
        """What becomes of a delivery whose verdict is ``retry`` or ``dead``?"""
        name, failed = delivery.queue, delivery.attempts
        if name not in self._laddered:
            may_retry = delivery.verdict == "retry" and failed < TRIES_WITHOUT_LADDER
            return Again(name, _PAUSE_WITHOUT_LADDER_S * failed) if may_retry else Forget()
        if delivery.verdict == "dead" or failed > len(self._delays):
            return Dead(dead_queue(name))
        delay = self._delays[failed - 1]
        return Again(retry_queue(name, delay), delay)
