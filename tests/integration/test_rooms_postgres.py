"""The rooms on PostgreSQL: what the unit tests show on SQLite, shown again, and what only many at once can
get wrong."""

import asyncio
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from types import ModuleType
from typing import Any

import pytest
from tests.support.rooms import World, a_world, data_of
from tests.unit.analytics import test_session_hours
from tests.unit.identity import test_id_tokens, test_logins
from tests.unit.stations import test_commands, test_presence, test_registry, test_status
from tests.unit.tariffs import test_versions
from tests.unit.wallet import test_holds
from tests.unit.worker import test_housekeeping

from stationmaster.infra.db import migrate
from stationmaster.infra.db.again import with_retries
from stationmaster.infra.db.database import UnitOfWork
from stationmaster.infra.runtime import Runtime
from stationmaster.stations import commands, directory, presence, registry, seen, status
from stationmaster.stations.model import LinkEvent, StatusChange

pytestmark = [pytest.mark.anyio, pytest.mark.services]

UNITS = (
    test_status,
    test_presence,
    test_commands,
    test_registry,
    test_holds,
    test_logins,
    test_id_tokens,
    test_versions,
    test_session_hours,
    test_housekeeping,
)


def _plain(module: ModuleType) -> list[Any]:
    """The tests of a module that need a world and nothing else."""
    found = [
        f for name, f in vars(module).items() if name.startswith("test_") and inspect.iscoroutinefunction(f)
    ]
    return [
        pytest.param(f, id=f"{module.__name__.rpartition('.')[2]}.{f.__name__}")
        for f in found
        if not inspect.signature(f).parameters
    ]


@pytest.fixture
def migrated(postgres_url: str) -> str:
    migrate.upgrade(postgres_url)
    return postgres_url


@pytest.mark.parametrize("test", [p for module in UNITS for p in _plain(module)])
async def test_as_on_sqlite(
    test: Callable[[], Awaitable[None]], migrated: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    worlds = 0

    @asynccontextmanager
    async def on_postgres() -> AsyncIterator[World]:
        nonlocal worlds
        worlds += 1
        if worlds > 1:
            pytest.skip("asks for several worlds")
        async with a_world(migrated) as world:
            yield world

    monkeypatch.setitem(test.__globals__, "a_world", on_postgres)
    await test()
    assert worlds == 1 or "cache" in test.__name__


async def at_once(world: World, *works: Callable[[UnitOfWork], Awaitable[Any]]) -> list[Any]:
    """Each in a unit of work of its own, run again after a conflict, as the edges do."""
    runtime = Runtime(ids=world.ids)
    return list(
        await asyncio.gather(*(with_retries(world.database, runtime, work, attempts=10) for work in works))
    )


async def test_leases_at_once_never_overlap(migrated: str) -> None:
    async with a_world(migrated) as world:

        async def lease(uow: UnitOfWork) -> list[int]:
            return await directory.lease_transaction_ids(uow, count=20)

        leased = await at_once(world, *[lease] * 20)
        assert len({one for ids in leased for one in ids}) == 400


async def test_a_gateway_that_registers_ten_times_at_once_has_one_number(migrated: str) -> None:
    async with a_world(migrated) as world:

        async def register(uow: UnitOfWork) -> int:
            return await directory.register_gateway(uow, gateway_id="gw1", now=world.now)

        assert len(set(await at_once(world, *[register] * 10))) == 1
        async with world.database.transaction() as uow:
            assert await directory.register_gateway(uow, gateway_id="gw2", now=world.now) > 1


async def test_batches_of_many_stations_at_once_end_at_the_newest_status(migrated: str) -> None:
    """Twenty batches, each with all stations in another order, new connectors included: every connector ends
    at its highest (epoch, seq), and its facts count up without a gap."""
    async with a_world(migrated) as world:
        names = [f"CP{n}" for n in range(8)]
        for name in names:
            await world.station(name, connector_count=0)

        def batch(seq: int) -> Callable[[UnitOfWork], Awaitable[Any]]:
            order = names[seq % 8 :] + names[: seq % 8]
            changes = [StatusChange(n, 1, f"Status{seq}", world.now, 1, seq) for n in order]
            return lambda uow: status.apply(uow, changes)

        await at_once(world, *(batch(seq) for seq in range(1, 21)))
        async with world.database.reading() as reader:
            ended = [
                c.status for n in names for c in await registry.connectors(reader, n) if c.connector_id == 1
            ]
        assert ended == ["Status20"] * 8
        told = await world.take_facts()
        for name in names:
            sequences = sorted(f.sequence for f in told if f.station_id == name)
            assert sequences == list(range(1, len(sequences) + 1))
            newest = max((f for f in told if f.station_id == name), key=lambda f: f.sequence)
            assert data_of(newest)["status"] == "Status20"


async def test_links_told_at_once_by_many_end_at_the_newest(migrated: str) -> None:
    async with a_world(migrated) as world:
        names = [f"CP{n}" for n in range(8)]
        for name in names:
            await world.station(name)

        def tell(epoch: int) -> Callable[[UnitOfWork], Awaitable[Any]]:
            order = names[epoch % 8 :] + names[: epoch % 8]
            events = [LinkEvent(n, epoch, f"gw{epoch}", world.now) for n in order]

            async def both(uow: UnitOfWork) -> None:
                await presence.link_opened(uow, events)
                await seen.apply(uow, {n: world.now + timedelta(seconds=20 * epoch) for n in order})
                if epoch < 12:
                    await presence.link_closed(uow, events)

            return both

        await at_once(world, *(tell(epoch) for epoch in range(1, 13)))
        async with world.database.reading() as reader:
            there = [await registry.get(reader, n) for n in names]
        assert {(s.is_online, s.gateway_id, s.epoch) for s in there} == {(True, "gw12", 12)}
        assert {s.last_seen_at for s in there} == {world.now + timedelta(seconds=240)}


async def test_of_twenty_outcomes_at_once_one_counts(migrated: str) -> None:
    async with a_world(migrated) as world:
        await world.station()
        async with world.database.transaction() as uow:
            asked = await commands.ask(
                uow,
                station_id="CP1",
                action="Reset",
                payload={},
                actor="operator:1",
                deadline_at=world.now,
                **world.said,
            )

        def end(state: str) -> Callable[[UnitOfWork], Awaitable[Any]]:
            return lambda uow: commands.finish(uow, command_id=asked.id, state=state, now=world.now)

        ended = await at_once(world, *(end(state) for state in ("accepted", "timed_out") * 10))
        (one,) = [command for command in ended if command is not None]
        async with world.database.reading() as reader:
            assert await commands.get(reader, asked.id) == one
