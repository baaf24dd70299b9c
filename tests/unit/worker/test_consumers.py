"""What becomes of a message, by the family of its error."""

from collections.abc import Awaitable, Callable, Sequence
from types import ModuleType
from typing import Any

import msgspec
import pytest
from tests.unit.worker.kit import Mailboxes

from stationmaster.contracts import set_aside
from stationmaster.contracts.topology import Names
from stationmaster.infra.bus.port import Delivery, Message
from stationmaster.infra.cache.memory import MemoryCache
from stationmaster.infra.db.database import Database
from stationmaster.infra.db.sqlite import SqliteDatabase
from stationmaster.infra.runtime import Runtime
from stationmaster.kernel.clock import VirtualClock
from stationmaster.kernel.errors import Invalid, Refused, Unavailable
from stationmaster.kernel.ids import SeededIds
from stationmaster.worker.consumers import Consumer, ConsumerRunner, discovered


class Item(msgspec.Struct):
    n: int


def a_file(**parts: Any) -> ModuleType:
    module = ModuleType("stationmaster.room.consumers.thing")
    for name, part in {"QUEUES": ("q",), **parts}.items():
        setattr(module, name, part)
    return module


def consumer_of(function: Callable[..., Awaitable[None]]) -> Consumer:
    [consumer] = discovered(Names(), [a_file(**{function.__name__: function})])
    return consumer


class Kit:
    def __init__(self) -> None:
        clock = VirtualClock()
        self.bus = Mailboxes()
        runtime = Runtime(clock, SeededIds(1, clock))
        self.runner = ConsumerRunner(SqliteDatabase(":memory:"), self.bus, MemoryCache(clock), runtime)  # type: ignore[arg-type]

    async def take(
        self, function: Callable[..., Awaitable[None]], *deliveries: Delivery
    ) -> list[tuple[str, str]]:
        await self.runner.take(consumer_of(function), deliveries)
        return [(delivery.verdict, delivery.reason) for delivery in deliveries]


def one(n: object = 1) -> Delivery:
    return Delivery("q", "q", [msgspec.json.encode({"n": n})])


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("error", "verdict"),
    [
        (Refused("no"), ("ack", "")),
        (Invalid("bad", "why"), ("dead", "bad: why")),
        (ValueError("oops"), ("retry", "ValueError: oops")),
    ],
)
async def test_the_family_decides(error: Exception, verdict: tuple[str, str]) -> None:
    async def consume(item: Item) -> None:
        raise error

    assert await Kit().take(consume, one()) == [verdict]


@pytest.mark.anyio
async def test_a_dependency_that_is_away_holds_the_queue() -> None:
    async def consume(item: Item) -> None:
        raise Unavailable("away")

    with pytest.raises(Unavailable):
        await Kit().take(consume, one())


@pytest.mark.anyio
async def test_what_cannot_be_read_is_a_dead_letter() -> None:
    async def consume(item: Item) -> None:
        raise AssertionError("must not come this far")

    [(verdict, reason)] = await Kit().take(consume, one("text"))
    assert verdict == "dead"
    assert reason.startswith("unreadable: Expected `int`")


@pytest.mark.anyio
async def test_a_document_does_not_take_its_travel_companions_to_the_dead_letters() -> None:
    seen: list[int] = []

    async def consume(item: Item) -> None:
        seen.append(item.n)

    kit = Kit()
    packed = Delivery("q", "q", [b'{"n":1}', b'{"n":"x"}', b'{"n":3}'])
    assert await kit.take(consume, packed) == [("ack", "")]
    assert seen == [1, 3]
    [message] = kit.bus.sent
    assert (message.routing_key, set_aside.decode(message.body).body) == ("q.dead", b'{"n":"x"}')


@pytest.mark.anyio
async def test_a_batch_that_fails_is_halved_until_the_culprit_is_alone() -> None:
    seen: list[int] = []

    async def consume_many(items: Sequence[Item]) -> None:
        if any(item.n == 3 for item in items):
            raise ValueError("three")
        seen.extend(item.n for item in items)

    found = await Kit().take(consume_many, *(one(n) for n in range(1, 6)))
    assert found == [("ack", "")] * 2 + [("retry", "ValueError: three")] + [("ack", "")] * 2
    assert seen == [1, 2, 4, 5]


@pytest.mark.anyio
async def test_a_consumer_gets_what_it_names() -> None:
    got: dict[str, object] = {}

    async def consume(item: Item, *, clock: object, names: Names, database: Database) -> None:
        got.update(item=item, clock=clock, names=names, database=database)

    kit = Kit()
    await kit.take(consume, one(7))
    assert (got["item"], got["names"], got["database"]) == (Item(7), Names(), kit.runner.database)


@pytest.mark.anyio
async def test_a_consumer_that_asks_for_what_nobody_offers_does_not_start() -> None:
    async def consume(item: Item, *, moon: object) -> None: ...

    with pytest.raises(TypeError, match=r"room\.thing asks for: moon"):
        await Kit().runner.start([consumer_of(consume)])


def test_a_file_must_say_which_queue_and_how() -> None:
    async def consume(item: Item) -> None: ...

    with pytest.raises(Invalid, match="either consume or consume_many"):
        discovered(Names(), [a_file()])
    with pytest.raises(Invalid, match="must name its QUEUES"):
        discovered(Names(), [a_file(consume=consume, QUEUES=())])


def test_queues_may_follow_the_settings() -> None:
    async def consume(item: Item) -> None: ...

    file = a_file(consume=consume, queues=lambda names: (names.ocpp_logs,))
    [consumer] = discovered(Names(ocpp_logs="mine"), [file])
    assert consumer.queues == ("mine",)


def test_every_consumer_of_the_tree_loads_and_is_offered_what_it_names() -> None:
    from stationmaster.infra import inject

    for consumer in discovered(Names()):
        offered = {*Kit().runner._offered(), "uow"}
        assert set(inject.missing(consumer.function, offered, given=1)) == set(), consumer.name


def test_the_mailboxes_carry_messages() -> None:
    """The stand-in of these tests is what the port says of publishing."""
    assert Message("", "q", b"{}", "1").routing_key == "q"
