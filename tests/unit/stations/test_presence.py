"""Only the newest link says whether a station is there."""

import itertools

import pytest
from tests.support.rooms import World, a_world, data_of

from stationmaster.stations import boots, presence, registry, seen
from stationmaster.stations.model import Boot, LinkEvent, Station

pytestmark = pytest.mark.anyio


def a_link(world: World, epoch: int, gateway: str = "gw1", station_id: str = "CP1") -> LinkEvent:
    return LinkEvent(station_id, epoch, gateway, world.now, "10.0.0.1")


async def opened(world: World, *events: LinkEvent) -> None:
    async with world.database.transaction() as uow:
        await presence.link_opened(uow, events)


async def closed(world: World, *events: LinkEvent) -> None:
    async with world.database.transaction() as uow:
        await presence.link_closed(uow, events)


async def get(world: World) -> Station:
    async with world.database.reading() as reader:
        return await registry.get(reader, "CP1")


async def test_a_link_opens_and_closes() -> None:
    async with a_world() as world:
        await world.station()
        await opened(world, a_link(world, 10))
        there = await get(world)
        assert (there.is_online, there.gateway_id, there.epoch, there.connected_at) == (
            True,
            "gw1",
            10,
            world.now,
        )
        world.clock.advance(60)
        await closed(world, a_link(world, 10))
        gone = await get(world)
        assert (gone.is_online, gone.disconnected_at) == (False, world.now)
        told = await world.take_facts()
        assert [(f.connector_id, data_of(f)["isOnline"]) for f in told] == [(0, True), (0, False)]
        assert told[0].sequence < told[1].sequence


async def test_the_old_links_end_does_not_take_the_new_one_offline() -> None:
    async with a_world() as world:
        await world.station()
        await opened(world, a_link(world, 10))
        await opened(world, a_link(world, 11, "gw2"))
        await closed(world, a_link(world, 10))
        there = await get(world)
        assert (there.is_online, there.gateway_id) == (True, "gw2")


async def test_an_opening_heard_after_its_end_does_not_bring_the_station_back() -> None:
    async with a_world() as world:
        await world.station()
        await closed(world, a_link(world, 10))
        await opened(world, a_link(world, 10))
        assert not (await get(world)).is_online


async def test_every_order_of_two_links_ends_alike() -> None:
    """Openings and ends of links 10 and 11, the newer one still open: online on 11, in whatever order
    told."""
    told = [("opened", 10), ("closed", 10), ("opened", 11)]
    for order in itertools.permutations(told):
        async with a_world() as world:
            await world.station()
            for what, epoch in order:
                await (opened if what == "opened" else closed)(world, a_link(world, epoch, f"gw{epoch}"))
            there = await get(world)
            assert (there.is_online, there.gateway_id) == (True, "gw11"), order


async def test_told_again_nothing_happens() -> None:
    async with a_world() as world:
        await world.station()
        await opened(world, a_link(world, 10))
        before = await get(world)
        await opened(world, a_link(world, 10), a_link(world, 10, station_id="nobody"))
        assert await get(world) == before


async def test_the_newest_boot_describes_the_station() -> None:
    async with a_world() as world:
        await world.station()
        await opened(world, a_link(world, 10))
        await world.take_facts()
        new = Boot("CP1", 10, 2, world.now, vendor="Acme", model="One", firmware_version="2.0")
        old = Boot("CP1", 9, 2, world.now, vendor="Acme", model="One", firmware_version="1.0")
        async with world.database.transaction() as uow:
            await boots.apply(uow, [new, old])
        there = await get(world)
        assert (there.vendor, there.model, there.firmware_version) == ("Acme", "One", "2.0")
        (fact,) = await world.take_facts()
        assert (fact.type, data_of(fact)["vendor"]) == ("charger.booted", "Acme")


async def test_last_seen_moves_forward_and_not_at_every_breath() -> None:
    async with a_world() as world:
        await world.station()

        async def heard() -> None:
            async with world.database.transaction() as uow:
                await seen.apply(uow, {"CP1": world.now, "nobody": world.now})

        await heard()
        first = world.now
        world.clock.advance(3)
        await heard()
        assert (await get(world)).last_seen_at == first
        world.clock.advance(60)
        await heard()
        assert (await get(world)).last_seen_at == world.now
        newest = world.now
        async with world.database.transaction() as uow:
            await seen.apply(uow, {"CP1": first})
        assert (await get(world)).last_seen_at == newest
