"""Which documents travel together? Those that wait at the same moment for the same place.

Nothing lingers: while nothing is outstanding a document goes at once, and what arrives meanwhile waits here
and leaves as one message. So packs grow with the load, and the delay does not.
"""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import msgspec

from stationmaster.infra.bus.port import Message, PublishUnknown
from stationmaster.kernel.errors import Invalid

PACK_DOCUMENTS_MAX: Final = 256
PACK_BYTES_MAX: Final = 256 * 1024
WAITING_DOCUMENTS_MAX: Final = 50_000
"""Beyond this a publisher is told at once that nothing is known of its document: a bound for memory."""

_any_json = msgspec.json.Decoder(msgspec.Raw)
_documents = msgspec.json.Decoder(list[msgspec.Raw])


def pack(bodies: list[bytes]) -> bytes:
    """JSON documents as one JSON array, untouched."""
    return b"[" + b",".join(bodies) + b"]"


def unpack(body: bytes) -> list[bytes]:
    """The documents as they were packed. Raises Invalid for anything that is no JSON array."""
    try:
        return [bytes(document) for document in _documents.decode(body)]
    except (msgspec.MsgspecError, RecursionError) as error:
        raise Invalid("not_an_array", f"not a JSON array of documents: {error}") from error


@dataclass(slots=True, eq=False)
class Waiting:
    """A document and its publisher's future."""

    message: Message
    done: asyncio.Future[None]
    deadline: float


@dataclass(slots=True, eq=False)
class Pack:
    """One message to send: the first document's properties, and the publishers who wait for it.

    ``attempts`` above 1 and ``reason``: a redelivery on its way up the ladder. ``origin`` is then the routing
    key that it came with.
    """

    message: Message
    waiting: list[Waiting]
    body: bytes
    attempts: int = 1
    reason: str = ""
    origin: str = ""
    expires_at: float | None = None

    @property
    def items(self) -> list[bytes]:
        return [one.message.body for one in self.waiting]

    def confirm(self) -> None:
        for one in self.waiting:
            if not one.done.done():
                one.done.set_result(None)

    def fail(self, make_error: Callable[[], Exception]) -> None:
        """An exception of its own for each publisher: tracebacks must not pile up on a shared one."""
        for one in self.waiting:
            if not one.done.done():
                one.done.set_exception(make_error())


_Key = tuple[object, ...]


@dataclass(slots=True)
class Packer:
    """The waiting room. ``now`` is a monotonic clock; a document waits at most ``confirm_within_s`` in
    all."""

    now: Callable[[], float]
    confirm_within_s: float
    documents: int = 0
    _groups: OrderedDict[_Key, deque[Waiting]] = field(default_factory=OrderedDict)
    _by_deadline: deque[Waiting] = field(default_factory=deque)

    def add(self, message: Message) -> asyncio.Future[None]:
        """Raises Invalid for a body that would spoil its neighbours, PublishUnknown when too many wait."""
        if self.documents >= WAITING_DOCUMENTS_MAX:
            raise PublishUnknown("bus_overloaded", "too many documents wait to be published")
        try:
            _any_json.decode(message.body)
        except (msgspec.MsgspecError, RecursionError) as error:
            raise Invalid("not_json", f"only JSON documents travel on the bus: {error}") from error
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        one = Waiting(message, done, self.now() + self.confirm_within_s)
        self._groups.setdefault(_key(message, one), deque()).append(one)
        self._by_deadline.append(one)
        self.documents += 1
        return done

    def take(self) -> Pack | None:
        """The next pack: the place that waited longest, and everything for it that fits."""
        while self._groups:
            key, group = next(iter(self._groups.items()))
            together = self._fitting(group)
            if group:
                self._groups.move_to_end(key)
            else:
                del self._groups[key]
            if together:
                return Pack(together[0].message, together, pack([one.message.body for one in together]))
        return None

    def _fitting(self, group: deque[Waiting]) -> list[Waiting]:
        together: list[Waiting] = []
        size = 0
        while group and len(together) < PACK_DOCUMENTS_MAX:
            one = group[0]
            size += len(one.message.body) + 1
            if together and size > PACK_BYTES_MAX:
                break
            group.popleft()
            self.documents -= 1
            if (
                not one.done.done() or one.done.cancelled()
            ):  # else its publisher was told "unknown" before it left
                together.append(one)
        return together

    def expire(self) -> None:
        """Tell those who waited too long, sent or not: nothing is known of their document."""
        now = self.now()
        line, is_any = self._by_deadline, False
        while line and (line[0].done.done() or line[0].deadline <= now):
            one = line.popleft()
            if not one.done.done():
                one.done.set_exception(PublishUnknown("publish_unknown", "not confirmed in time"))
                is_any = True
        if is_any:
            self._forget_told()

    def _forget_told(self) -> None:
        """While nothing can be sent, those who were told must not fill the waiting room."""
        for key, group in list(self._groups.items()):
            while group and group[0].done.done() and not group[0].done.cancelled():
                group.popleft()
                self.documents -= 1
            if not group:
                del self._groups[key]

    def fail_all(self) -> None:
        """Nobody will send these any more."""
        while (taken := self.take()) is not None:
            taken.fail(lambda: PublishUnknown("publish_unknown", "the bus is stopping"))


def _key(message: Message, one: Waiting) -> _Key:
    if message.group is None or message.expires_in_s is not None:
        return (one,)
    headers = tuple(sorted(message.headers.items())) if message.headers else ()
    return (message.exchange, message.routing_key, message.priority, message.group, headers)
