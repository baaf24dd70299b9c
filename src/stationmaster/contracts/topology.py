"""Every exchange, queue, binding, retry ladder: declared here, once (architecture 4).

Names are the sources' public names and may be changed by settings (``Names``). ``topology(names)`` is what
`stationmaster topology apply` creates, what start-up checks, and what `stationmaster topology` prints.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

RETRY_DELAYS_S: Final[tuple[float, ...]] = (1, 10, 60)
"""The ladder: a failed delivery waits here, then returns to its queue; after the last rung it is a dead letter."""

DELIVERY_LIMIT: Final = 50
"""High on purpose: a crash with prefetch > 1 counts against every outstanding message; our attempts decide."""

DEAD_LETTER_DELIVERY_LIMIT: Final = 1_000_000
"""Looking at dead letters counts as a delivery; from RabbitMQ 4.0 on the default limit would drop them at the
20th look."""

LOSABLE_TTL_MS: Final = 60_000


@dataclass(frozen=True, slots=True)
class Names:
    """Public names; the defaults are the sources'."""

    ingress: str = "ev_charging_events"
    ocpp_alias: str = "ocpp_exchange"
    facts: str = "events_exchange"
    ocpp_messages: str = "ocpp_messages"
    ocpp_logs: str = "ocpp.logs"
    notifications: str = "notifications"
    analytics: str = "analytics"
    charging_events: str = "charging_events"


@dataclass(frozen=True, slots=True)
class Exchange:
    name: str
    kind: str = "topic"


@dataclass(frozen=True, slots=True)
class Queue:
    """``ladder``: has retry rungs and a dead-letter queue of its own."""

    name: str
    arguments: dict[str, Any] = field(default_factory=dict)
    durable: bool = True
    ladder: bool = True


@dataclass(frozen=True, slots=True)
class Binding:
    """``destination`` is a queue, or an exchange when ``to_exchange``."""

    source: str
    key: str
    destination: str
    to_exchange: bool = False


@dataclass(frozen=True, slots=True)
class Topology:
    exchanges: tuple[Exchange, ...]
    queues: tuple[Queue, ...]
    bindings: tuple[Binding, ...]
    retry_delays_s: tuple[float, ...] = RETRY_DELAYS_S

    def queues_for(self, exchange: str, key: str) -> list[str]:
        """Where a message goes, as a topic exchange would route it. The default exchange "" names the queue."""
        if exchange == "":
            return [key]
        found: list[str] = []
        for binding in self.bindings:
            if binding.source != exchange or not topic_matches(binding.key, key):
                continue
            found.extend(
                self.queues_for(binding.destination, key) if binding.to_exchange else [binding.destination]
            )
        return list(dict.fromkeys(found))


def topic_matches(pattern: str, key: str) -> bool:
    """AMQP topic matching: `*` is one word, `#` any number."""
    return _match(pattern.split("."), key.split("."))


def _match(pattern: list[str], words: list[str]) -> bool:
    if not pattern:
        return not words
    if pattern[0] == "#":
        return any(_match(pattern[1:], words[i:]) for i in range(len(words) + 1))
    return bool(words) and pattern[0] in {"*", words[0]} and _match(pattern[1:], words[1:])


def retry_queue(queue: str, delay_s: float) -> str:
    return f"{queue}.retry.{delay_s:g}s"


def dead_queue(queue: str) -> str:
    return f"{queue}.dead"


def gateway_queue(gateway_id: str) -> str:
    """Commands and replies for one gateway; exclusive, made by that gateway."""
    return f"charging.gateway.{gateway_id}"


COMMAND_QUEUES: Final = ("charging.remote.start", "charging.remote.stop", "charging.command")
RESPONSE_QUEUES: Final = (
    "charging.remote.response",
    "charging.remote.stop.response",
    "charging.command.response",
)
PAYMENT_QUEUE: Final = "payment.completed"

_QUORUM: Final[dict[str, Any]] = {
    "x-queue-type": "quorum",
    "x-delivery-limit": DELIVERY_LIMIT,
}


def _work_queue(name: str, **extra: Any) -> Queue:
    dead = {
        "x-dead-letter-exchange": "",
        "x-dead-letter-routing-key": dead_queue(name),
        "x-dead-letter-strategy": "at-least-once",
        "x-overflow": "reject-publish",
    }
    return Queue(name, {**_QUORUM, **dead, **extra})


def with_ladder(name: str, *, retry_delays_s: Sequence[float] = RETRY_DELAYS_S) -> list[Queue]:
    """A work queue, its rungs and its dead letters."""
    return [_work_queue(name), *_rungs(name, retry_delays_s)]


def _rungs(name: str, retry_delays_s: Sequence[float]) -> list[Queue]:
    rungs = [
        Queue(
            retry_queue(name, delay),
            {
                "x-queue-type": "quorum",
                "x-message-ttl": int(delay * 1000),
                "x-dead-letter-exchange": "",
                "x-dead-letter-routing-key": name,
                "x-dead-letter-strategy": "at-least-once",
                "x-overflow": "reject-publish",
            },
            ladder=False,
        )
        for delay in retry_delays_s
    ]
    dead = {"x-queue-type": "quorum", "x-delivery-limit": DEAD_LETTER_DELIVERY_LIMIT}
    return [*rungs, Queue(dead_queue(name), dead, ladder=False)]


def topology(names: Names | None = None, *, retry_delays_s: Sequence[float] = RETRY_DELAYS_S) -> Topology:
    """The whole of it."""
    n = names or Names()
    # Quorum: the losable feeds too, with a TTL, so that a slow or absent reader costs nothing but old hints.
    losable = Queue(
        n.notifications, {"x-queue-type": "quorum", "x-message-ttl": LOSABLE_TTL_MS}, ladder=False
    )
    work = (
        n.ocpp_messages, n.ocpp_logs, *COMMAND_QUEUES, *RESPONSE_QUEUES, PAYMENT_QUEUE, n.analytics
    )  # fmt: skip
    laddered = [queue for name in work for queue in with_ladder(name, retry_delays_s=retry_delays_s)]
    integrations = Queue(
        n.charging_events, {"x-queue-type": "quorum", "x-message-ttl": 24 * 3600 * 1000}, ladder=False
    )
    return Topology(
        exchanges=(Exchange(n.ingress), Exchange(n.ocpp_alias), Exchange(n.facts)),
        queues=(*laddered, losable, integrations),
        bindings=(
            Binding(n.ocpp_alias, "ocpp.message.#", n.ingress, to_exchange=True),
            Binding(n.ingress, "ocpp.#", n.ocpp_messages),
            Binding(n.ingress, "ocpp.#", n.ocpp_logs),
            Binding(n.ingress, "log.#", n.ocpp_logs),
            Binding(n.facts, "#", n.notifications),
            Binding(n.facts, "charging.*", n.analytics),
            Binding(n.facts, "transaction.completed", n.analytics),
            Binding(n.facts, "charging.*", n.charging_events),
            Binding(n.facts, "transaction.completed", n.charging_events),
        ),
        retry_delays_s=tuple(retry_delays_s),
    )
