"""A command is asked once, carried once, finished once."""

from datetime import timedelta
from typing import Any, cast

import msgspec
import pytest
from tests.support.rooms import World, a_world, data_of

from stationmaster.contracts.commands import CommandOutcome, StationCommand
from stationmaster.infra.bus.port import Bus, Message, PublishUnknown, Unroutable
from stationmaster.infra.cache.memory import MemoryCache
from stationmaster.kernel.errors import NotFound, Refused
from stationmaster.stations import commands, http_commands, presence, registry
from stationmaster.stations.consumers import command_response, dispatch
from stationmaster.stations.jobs import command_deadlines
from stationmaster.stations.model import Command, LinkEvent

pytestmark = pytest.mark.anyio


class Outbound:
    """The publishing half of a bus whose gateways may be gone."""

    def __init__(self) -> None:
        self.published: list[Message] = []
        self.fail: Exception | None = None

    async def publish(self, message: Message) -> None:
        if self.fail is not None:
            raise self.fail
        self.published.append(message)


async def asked(world: World, action: str = "Reset", payload: Any = None) -> Command:
    async with world.database.transaction() as uow:
        return await commands.ask(
            uow,
            station_id="CP1",
            action=action,
            payload=payload or {"type": "Soft"},
            actor="operator:1",
            deadline_at=world.now + timedelta(seconds=30),
            **world.said,
        )


async def online(world: World, epoch: int = 5, gateway: str = "gw1") -> None:
    async with world.database.transaction() as uow:
        await presence.link_opened(uow, [LinkEvent("CP1", epoch, gateway, world.now)])


async def dispatched(world: World, bus: Outbound, item: StationCommand, cache: Any = None) -> None:
    await dispatch.consume(
        item,
        database=world.database,
        bus=cast("Bus", bus),
        cache=cache or MemoryCache(world.clock),
        clock=world.clock,
    )


async def current(world: World, command_id: str) -> Command:
    async with world.database.reading() as reader:
        found = await commands.get(reader, command_id)
    assert found is not None
    return found


async def the_request(world: World) -> StationCommand:
    (row,) = [row for row in await world.take_outbox() if row.exchange == ""]
    return msgspec.json.decode(row.body, type=StationCommand)


async def the_outcomes(world: World) -> list[tuple[str, CommandOutcome]]:
    rows = [row for row in await world.take_outbox() if row.exchange == ""]
    return [(row.routing_key, msgspec.json.decode(row.body, type=CommandOutcome)) for row in rows]


async def test_asking_writes_the_row_and_the_message_in_one_commit() -> None:
    async with a_world() as world:
        await world.station()
        command = await asked(world, "UnlockConnector", {"connectorId": 2})
        rows = await world.take_outbox()
        assert [(row.exchange, row.routing_key) for row in rows] == [
            ("", "charging.command"),
            ("events_exchange", "command.updated"),
        ]
        request = msgspec.json.decode(rows[0].body, type=StationCommand)
        assert (request.command_id, request.device_id, request.command) == (
            command.id,
            "CP1",
            "UnlockConnector",
        )
        assert msgspec.json.decode(request.payload) == {"connectorId": 2}
        assert (await current(world, command.id)).state == "queued"


@pytest.mark.parametrize(
    ("action", "queue"),
    [("RemoteStartTransaction", "charging.remote.start"), ("RemoteStopTransaction", "charging.remote.stop")],
)
async def test_starts_and_stops_have_their_own_queues(action: str, queue: str) -> None:
    async with a_world() as world:
        await world.station()
        await asked(world, action)
        assert queue in [row.routing_key for row in await world.take_outbox()]


async def test_nobody_is_asked_who_is_not_there() -> None:
    async with a_world() as world:
        with pytest.raises(NotFound):
            await asked(world)
        await world.station()
        async with world.database.transaction() as uow:
            await registry.archive(uow, station_id="CP1", now=world.now)
        with pytest.raises(Refused):
            await asked(world)


async def test_the_second_outcome_changes_nothing() -> None:
    async with a_world() as world:
        await world.station()
        command = await asked(world)
        await world.take_facts()
        async with world.database.transaction() as uow:
            first = await commands.finish(
                uow, command_id=command.id, state="accepted", status="Accepted", answer=b"{}", now=world.now
            )
            second = await commands.finish(uow, command_id=command.id, state="timed_out", now=world.now)
        assert (first is not None and first.state, second) == ("accepted", None)
        assert (await current(world, command.id)).state == "accepted"
        assert [data_of(f)["state"] for f in await world.take_facts()] == ["accepted"]


async def test_the_dispatcher_sends_to_the_stations_gateway_and_link() -> None:
    async with a_world() as world:
        await world.station()
        await online(world)
        command = await asked(world)
        bus = Outbound()
        await dispatched(world, bus, await the_request(world))
        (message,) = bus.published
        carried = msgspec.json.decode(message.body, type=StationCommand)
        assert (message.routing_key, carried.gateway_id, carried.epoch) == ("charging.gateway.gw1", "gw1", 5)
        assert (await current(world, command.id)).state == "sent"


async def test_a_redelivery_goes_to_the_chosen_link_only() -> None:
    async with a_world() as world:
        await world.station()
        await online(world)
        command = await asked(world)
        request, bus = await the_request(world), Outbound()
        bus.fail = PublishUnknown("no_confirm")
        with pytest.raises(PublishUnknown):
            await dispatched(world, bus, request)
        await online(world, epoch=6, gateway="gw2")
        bus.fail = None
        await dispatched(world, bus, request)
        assert [m.routing_key for m in bus.published] == ["charging.gateway.gw1"]
        assert (await current(world, command.id)).epoch == 5


async def test_the_cache_knows_a_newer_link() -> None:
    async with a_world() as world:
        await world.station()
        cache = MemoryCache(world.clock)
        await cache.put("presence:CP1", '{"gateway":"gw9","epoch":99,"since":""}', ttl_s=60)
        await asked(world)
        bus = Outbound()
        await dispatched(world, bus, await the_request(world), cache)
        assert [m.routing_key for m in bus.published] == ["charging.gateway.gw9"]


async def test_the_cache_does_not_revive_a_link_that_ended() -> None:
    async with a_world() as world:
        await world.station()
        await online(world, epoch=5)
        async with world.database.transaction() as uow:
            await presence.link_closed(uow, [LinkEvent("CP1", 5, "gw1", world.now)])
        cache = MemoryCache(world.clock)
        await cache.put("presence:CP1", '{"gateway":"gw1","epoch":5,"since":""}', ttl_s=60)
        await asked(world)
        bus = Outbound()
        await dispatched(world, bus, await the_request(world), cache)
        assert bus.published == []


async def test_offline_expired_and_gone_are_outcomes() -> None:
    async with a_world() as world:
        await world.station()
        bus = Outbound()
        await asked(world)
        await dispatched(world, bus, await the_request(world))
        assert [(q, o.state) for q, o in await the_outcomes(world)] == [
            ("charging.command.response", "offline")
        ]

        await online(world)
        await world.take_outbox()
        await asked(world)
        bus.fail = Unroutable("gone")
        await dispatched(world, bus, await the_request(world))
        assert [o.state for _, o in await the_outcomes(world)] == ["offline"]

        bus.fail = None
        await asked(world, "RemoteStartTransaction")
        request = await the_request(world)
        world.clock.advance(31)
        await dispatched(world, bus, request)
        assert [(q, o.state) for q, o in await the_outcomes(world)] == [
            ("charging.remote.response", "expired")
        ]
        assert bus.published == []


async def test_a_finished_command_is_not_sent() -> None:
    async with a_world() as world:
        await world.station()
        await online(world)
        await world.take_outbox()
        command = await asked(world)
        request, bus = await the_request(world), Outbound()
        async with world.database.transaction() as uow:
            await commands.finish(uow, command_id=command.id, state="timed_out", now=world.now)
        await dispatched(world, bus, request)
        assert bus.published == []


async def test_silence_becomes_an_outcome_until_it_was_heard() -> None:
    async with a_world() as world:
        await world.station()
        command = await asked(world)
        await world.take_outbox()
        world.clock.advance(30 + 14)
        await command_deadlines.run(database=world.database, clock=world.clock)
        assert await the_outcomes(world) == []
        world.clock.advance(2)
        await command_deadlines.run(database=world.database, clock=world.clock)
        ((queue, outcome),) = await the_outcomes(world)
        assert (queue, outcome.state) == ("charging.command.response", "timed_out")
        async with world.database.transaction() as uow:
            await command_response.consume(outcome, uow=uow, clock=world.clock)
        assert (await current(world, command.id)).state == "timed_out"
        await world.take_outbox()
        await command_deadlines.run(database=world.database, clock=world.clock)
        assert await the_outcomes(world) == []


async def test_a_timeout_is_said_at_once_and_then_every_few_minutes() -> None:
    async with a_world() as world:
        await world.station()
        await asked(world)
        await the_request(world)
        world.clock.advance(30 + 15)
        said = []
        for _ in range(60):  # twenty minutes in which nobody works on outcomes
            world.clock.advance(command_deadlines.EVERY_S)
            await command_deadlines.run(database=world.database, clock=world.clock)
            said.append(len(await the_outcomes(world)))
        assert said[0] == 1
        assert 4 <= sum(said) <= 8


async def test_people_do_not_see_a_stations_key() -> None:
    async with a_world() as world:
        await world.station()
        key = {"key": "AuthorizationKey", "value": "c0ffee"}
        command = await asked(world, "ChangeConfiguration", key)
        answer = msgspec.json.encode({"configurationKey": [key]})
        async with world.database.transaction() as uow:
            await commands.finish(uow, command_id=command.id, state="accepted", answer=answer, now=world.now)
        shown = http_commands._out(await current(world, command.id))
        assert shown.payload == {"key": "AuthorizationKey", "value": "***"}
        assert "c0ffee" not in shown.model_dump_json()
