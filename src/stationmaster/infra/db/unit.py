"""What a unit of work will say once it is true: the engine-independent half of both units."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
import structlog

from stationmaster.contracts import facts
from stationmaster.contracts.facts import Fact
from stationmaster.contracts.topology import Names
from stationmaster.infra.bus.port import Message
from stationmaster.infra.db.errors import UnitFailed

log = structlog.get_logger()

HintSink = Callable[[Sequence[Fact]], Awaitable[None]]


class Outgoing:
    """Facts, messages and calls that wait for the commit."""

    def __init__(self, names: Names, now: Callable[[], datetime]):
        self._names = names
        self._now = now
        self._messages: list[Message] = []
        self._hints: list[Fact] = []
        self._after: list[Callable[[], Awaitable[None]]] = []
        self.failed = False

    def announce(self, fact: Fact) -> None:
        self._messages.append(Message(self._names.facts, fact.type, facts.encode(fact), fact.id))

    def send(self, message: Message) -> None:
        self._messages.append(message)

    def hint(self, fact: Fact) -> None:
        self._hints.append(fact)

    def after_commit(self, do: Callable[[], Awaitable[None]]) -> None:
        self._after.append(do)

    @property
    def hints(self) -> Iterable[Fact]:
        return tuple(self._hints)

    @property
    def says_something(self) -> bool:
        return bool(self._messages)

    def outbox_rows(self) -> list[dict[str, Any]]:
        """The rows for the outbox, in the order things were said."""
        if not self._messages:
            return []
        now = self._now()
        return [_row(message, now) for message in self._messages]

    def check_usable(self) -> None:
        """Raises UnitFailed when a statement failed before: see there."""
        if self.failed:
            raise UnitFailed("a statement of this unit of work failed before")

    async def tell(self, hint_sink: HintSink | None) -> None:
        """After the commit. Nothing here can change what is true, so a failure is logged and that is all."""
        if self._hints and hint_sink is not None:
            hints = tuple(self._hints)
            await _logged("hints", lambda: hint_sink(hints))
        for do in self._after:
            await _logged("after_commit", do)


async def _logged(what: str, do: Callable[[], Awaitable[None]]) -> None:
    try:
        await do()
    except Exception:  # The commit has happened; see Outgoing.tell.
        log.exception("unit.after_commit_failed", what=what)


def _row(message: Message, now: datetime) -> dict[str, Any]:
    expires = message.expires_in_s
    return {
        "exchange": message.exchange,
        "routing_key": message.routing_key,
        "message_id": message.message_id,
        "body": message.body,
        "priority": message.priority,
        "headers": msgspec.json.encode(message.headers).decode() if message.headers else "{}",
        "expires_at": None if expires is None else now + timedelta(seconds=expires),
        "created_at": now,
    }
