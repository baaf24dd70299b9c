"""A connector's status moves forward only, whatever order it is told in."""

from datetime import timedelta

import pytest
from tests.support.rooms import World, a_world, data_of

from stationmaster.stations import registry, status
from stationmaster.stations.model import StatusChange

pytestmark = pytest.mark.anyio


def a_change(
    world: World, seq: int, word: str, *, epoch: int = 1, connector_id: int = 1, **values: str
) -> StatusChange:
    at = world.now + timedelta(seconds=seq)
    return StatusChange(
        station_id=values.pop("station_id", "CP1"),
        connector_id=connector_id,
        status=word,
        at=at,
        epoch=epoch,
        seq=seq,
        **values,
    )


async def words(world: World, station_id: str = "CP1") -> dict[int, str]:
    async with world.database.reading() as reader:
        return {c.connector_id: c.status for c in await registry.connectors(reader, station_id)}


async def apply(world: World, *changes: StatusChange) -> list[StatusChange]:
    async with world.database.transaction() as uow:
        return await status.apply(uow, changes)


async def test_the_last_of_a_batch_stands_and_each_real_change_is_told() -> None:
    async with a_world() as world:
        await world.station()
        await apply(world, a_change(world, 1, "Available"), a_change(world, 2, "Preparing"))
        assert (await words(world))[1] == "Preparing"
        told = await world.take_facts()
        assert [(f.type, data_of(f)["status"], f.sequence) for f in told] == [
            ("charger.status.changed", "Available", 1),
            ("charger.status.changed", "Preparing", 2),
        ]
        assert {(f.organisation_id, f.station_id, f.connector_id) for f in told} == {
            (world.organisation.id, "CP1", 1)
        }


async def test_an_older_status_changes_nothing() -> None:
    async with a_world() as world:
        await world.station()
        await apply(world, a_change(world, 5, "Charging", epoch=7))
        await world.take_facts()
        late = [a_change(world, 4, "Preparing", epoch=7), a_change(world, 9, "Available", epoch=6)]
        assert await apply(world, *late) == []
        assert (await words(world))[1] == "Charging"
        assert await world.take_facts() == []


async def test_a_newer_epoch_wins_with_a_lower_seq() -> None:
    async with a_world() as world:
        await world.station()
        await apply(world, a_change(world, 50, "Charging", epoch=7))
        await apply(world, a_change(world, 1, "Available", epoch=8))
        assert (await words(world))[1] == "Available"


async def test_the_same_status_again_is_noted_but_not_told() -> None:
    async with a_world() as world:
        await world.station()
        await apply(world, a_change(world, 1, "Available"))
        await world.take_facts()
        assert await apply(world, a_change(world, 2, "Available")) == []
        assert await world.take_facts() == []
        assert await apply(world, a_change(world, 2, "Faulted")) == [], "seq 2 was taken"


async def test_an_error_code_is_a_change() -> None:
    async with a_world() as world:
        await world.station()
        await apply(world, a_change(world, 1, "Faulted", error_code="GroundFailure"))
        await world.take_facts()
        await apply(world, a_change(world, 2, "Faulted", error_code="HighTemperature", info="62 C"))
        assert [data_of(f)["errorCode"] for f in await world.take_facts()] == ["HighTemperature"]


async def test_connectors_appear_as_they_are_reported_and_are_counted() -> None:
    async with a_world() as world:
        await world.station(connector_count=1)
        await apply(world, a_change(world, 1, "Available", connector_id=3))
        async with world.database.reading() as reader:
            assert (await registry.get(reader, "CP1")).connector_count == 3
        assert (await words(world))[3] == "Available"


async def test_a_stations_own_status_counts_with_its_presence() -> None:
    async with a_world() as world:
        made = await world.station()
        await apply(
            world,
            a_change(world, 1, "Faulted", connector_id=0),
            a_change(world, 2, "Available", connector_id=0),
        )
        assert [f.sequence for f in await world.take_facts()] == [made.version + 1, made.version + 2]


async def test_strangers_and_absurd_connectors_are_left_out_of_a_batch() -> None:
    async with a_world() as world:
        await world.station()
        real = await apply(
            world,
            a_change(world, 1, "Available", station_id="nobody"),
            a_change(world, 1, "Available", connector_id=100_000),
            a_change(world, 2, "Available"),
        )
        assert [(c.station_id, c.connector_id) for c in real] == [("CP1", 1)]
