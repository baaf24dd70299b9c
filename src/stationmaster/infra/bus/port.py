"""The bus: messages are durable when ``publish`` returns, and delivered at least once.

Order and exactly-once are not asked of it (ADR 0004): every message has a stable id and every consumer is
idempotent. Two adapters take one exam (tests/contract/bus): RabbitMQ and the SQLite journal.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from stationmaster.contracts.topology import Topology
from stationmaster.kernel.errors import Unavailable

REASON_HEADER: Final = "x-reason"
"""A document published straight to a queue's dead letters says here why it lies there."""


class PublishUnknown(Unavailable):
    """No confirm in time: the message may or may not be there. Send the same id again, or spool it."""


class Unroutable(Unavailable):
    """Certain: no queue is bound for this key."""


@dataclass(frozen=True, slots=True)
class Message:
    """One JSON document on its way.

    Exchange "" addresses the queue named by ``routing_key``. ``group``: messages of one group may travel
    packed together in one AMQP message when they share exchange, key and priority; None travels alone.
    ``expires_in_s`` makes it a dead letter (or nothing) when it was not taken in time.
    """

    exchange: str
    routing_key: str
    body: bytes
    message_id: str
    priority: int = 0
    group: str | None = None
    expires_in_s: float | None = None
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Delivery:
    """What a consumer gets: one or more documents that travelled together, and a place for the verdict.

    Say ``retry`` or ``dead``; saying nothing acknowledges when the handler returns. ``attempts`` counts from
    1.
    """

    queue: str
    routing_key: str
    items: list[bytes]
    message_id: str = ""
    attempts: int = 1
    redelivered: bool = False
    headers: dict[str, str] = field(default_factory=dict)
    verdict: str = "ack"
    reason: str = ""
    tag: object = None

    def ack(self) -> None:
        self.verdict = "ack"

    def retry(self, reason: str) -> None:
        """Once more, later: up the ladder; after the last rung it is a dead letter."""
        self.verdict, self.reason = "retry", reason

    def dead(self, reason: str) -> None:
        """Never again without a person's word."""
        self.verdict, self.reason = "dead", reason


Handler = Callable[[Sequence[Delivery]], Awaitable[None]]
"""Takes a batch. When it raises, every delivery of the batch is retried (up the ladder)."""


@dataclass(frozen=True, slots=True)
class QueueState:
    """``oldest_at`` is when the oldest waiting message was published, where the adapter knows."""

    name: str
    ready: int
    unacknowledged: int = 0
    consumers: int = 0


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A set-aside message, for people."""

    key: str
    queue: str
    routing_key: str
    items: list[bytes]
    reason: str
    attempts: int


class Subscription(Protocol):
    async def cancel(self) -> None:
        """Take no more; the batch in hand is finished first."""
        ...


class Bus(Protocol):
    """See the module's docstring."""

    @property
    def ready(self) -> bool:
        """May a publish be expected to be confirmed soon? False while disconnected or blocked."""
        ...

    async def start(self) -> None: ...

    async def stop(self) -> None:
        """Finish what is being published, then close."""
        ...

    async def publish(self, message: Message) -> None:
        """Returns when durable. Raises PublishUnknown (also when it took longer than the adapter's time-out)
        or Unroutable."""
        ...

    def submit(self, message: Message) -> asyncio.Future[None]:
        """Publish without a coroutine: the future is done when durable, or fails as ``publish`` raises.

        For hot paths (one task less per message). Call it on the loop's thread; cancelling it takes nothing
        back.
        """
        ...

    async def consume(
        self,
        queue: str,
        handler: Handler,
        *,
        batch_max: int = 1,
        linger_s: float = 0.0,
        urgent: Callable[[Delivery], bool] | None = None,
        prefetch: int = 20,
    ) -> Subscription:
        """One batch at a time per subscription. A batch is what is there, at most ``batch_max`` documents;
        with ``linger_s`` it waits that long for more unless full or ``urgent`` says no to waiting."""
        ...

    async def open_mailbox(self, queue: str) -> None:
        """Make a queue of this process's own, gone when the process is gone; others publish to it by name and
        get Unroutable when it is not there."""
        ...

    async def apply(self, topology: Topology) -> None:
        """Create what is missing. Raises Refused where something exists with other arguments."""
        ...

    async def check(self, topology: Topology) -> list[str]:
        """What is missing, in words; empty is good."""
        ...

    async def state(self) -> list[QueueState]: ...

    async def dead_letters(self, queue: str, *, limit: int = 100) -> list[DeadLetter]:
        """A look without taking."""
        ...

    async def replay_dead(self, queue: str, *, limit: int = 100) -> int:
        """Back to its queue with attempts reset; how many."""
        ...

    async def discard_dead(self, queue: str, *, limit: int = 100) -> int: ...
