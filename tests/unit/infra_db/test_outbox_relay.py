"""What does the relay do with what the bus says?"""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from sqlalchemy import func, select
from tests.unit.infra_db.recording_bus import RecordingBus

from stationmaster.contracts.facts import Fact
from stationmaster.infra.bus.port import Message, PublishUnknown, Unroutable
from stationmaster.infra.db import migrate
from stationmaster.infra.db.outbox import BATCH, RETRY_FIRST_S, RETRY_MAX_S, OutboxRelay, backlog
from stationmaster.infra.db.sqlite import SqliteDatabase
from stationmaster.infra.db.tables import outbox
from stationmaster.infra.runtime import Runtime
from stationmaster.kernel.clock import VirtualClock

pytestmark = pytest.mark.anyio


class World:
    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.runtime = Runtime(clock=self.clock)
        self.database = SqliteDatabase(":memory:", runtime=self.runtime)
        self.bus = RecordingBus()
        self.relay = OutboxRelay(self.database, self.bus.as_bus(), self.runtime)

    async def say(
        self, *ids: str, expires_in_s: float | None = None, headers: dict[str, str] | None = None
    ) -> None:
        async with self.database.transaction() as uow:
            for id_ in ids:
                uow.send(Message("x", "k", b"{}", id_, 4, expires_in_s=expires_in_s, headers=headers or {}))

    async def left(self) -> int:
        async with self.database.reading() as reader:
            return int((await reader.execute(select(func.count()).select_from(outbox))).scalar())


@pytest.fixture
async def world() -> AsyncIterator[World]:
    world = World()
    migrate.upgrade(world.database.url)
    await world.database.start()
    yield world
    await world.database.stop()


async def test_everything_said_is_published_once_in_order(world: World) -> None:
    ids = [f"m{i}" for i in range(2 * BATCH + 3)]
    await world.say(*ids)
    assert await world.relay.drain() == len(ids)
    assert world.bus.asked == ids
    assert await world.left() == 0
    assert await world.relay.drain() == 0


async def test_a_message_keeps_all_it_had(world: World) -> None:
    await world.say("m1", headers={"trace": "1"})
    fact = Fact(id="f1", type="charging.started", at="2026-01-01T00:00:00Z", sequence=3)
    async with world.database.transaction() as uow:
        uow.announce(fact)
    await world.relay.drain()
    message, announced = world.bus.published
    assert message == Message("x", "k", b"{}", "m1", 4, "outbox", headers={"trace": "1"})
    assert (announced.exchange, announced.routing_key, announced.message_id) == (
        "events_exchange",
        "charging.started",
        "f1",
    )


async def test_an_unknown_outcome_is_tried_again_later_under_the_same_id(world: World) -> None:
    world.bus.trouble["m1"] = [PublishUnknown("publish_unknown")]
    await world.say("m1", "m2")
    assert await world.relay.drain() == 1
    assert await world.left() == 1
    assert await world.relay.drain() == 0
    world.clock.advance(RETRY_FIRST_S)
    assert await world.relay.drain() == 1
    assert world.bus.asked == ["m1", "m2", "m1"]
    assert await world.left() == 0


async def test_what_cannot_be_routed_is_kept_and_tried_more_and_more_rarely(world: World) -> None:
    world.bus.trouble["m1"] = [Unroutable("unroutable")] * 100
    await world.say("m1")
    for _ in range(600):
        await world.relay.drain()
        world.clock.advance(1)
    tries = len(world.bus.asked)
    assert 600 / RETRY_MAX_S <= tries <= 600 / RETRY_MAX_S + 8
    assert await world.left() == 1


async def test_what_is_stuck_does_not_hold_up_the_rest(world: World) -> None:
    stuck = [f"stuck{i}" for i in range(BATCH + 10)]
    for id_ in stuck:
        world.bus.trouble[id_] = [ValueError("a bug")]
    await world.say(*stuck, "free")
    await world.relay.drain()
    assert world.bus.ids == ["free"]
    world.clock.advance(RETRY_FIRST_S)
    await world.relay.drain()
    assert await world.left() == 0


async def test_nothing_is_tried_while_the_bus_is_away(world: World) -> None:
    await world.say("m1")
    world.bus.ready = False
    assert await world.relay.drain() == 0
    assert world.bus.asked == []


async def test_an_expiry_shrinks_while_waiting_and_is_dropped_when_past(world: World) -> None:
    await world.say("soon", expires_in_s=30)
    await world.say("past", expires_in_s=10)
    world.clock.advance(20)
    await world.relay.drain()
    assert [message.expires_in_s for message in world.bus.published] == [10, None]


async def test_the_backlog_is_counted(world: World) -> None:
    async with world.database.reading() as reader:
        assert await backlog(reader) == (0, None)
    first = world.clock.now()
    await world.say("m1")
    world.clock.advance(5)
    await world.say("m2")
    async with world.database.reading() as reader:
        assert await backlog(reader) == (2, first)
    assert world.clock.now() - first == timedelta(seconds=5)
