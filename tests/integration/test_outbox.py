"""Does every message that was committed reach the bus, whoever leads and whatever dies?"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, text
from tests.support.services import PostgresServer
from tests.unit.infra_db.recording_bus import RecordingBus

from stationmaster.contracts.facts import CHARGING_STARTED, Fact
from stationmaster.contracts.topology import Names, topology
from stationmaster.infra.bus.journal import Journal, JournalBus
from stationmaster.infra.bus.port import Bus, Delivery, Message
from stationmaster.infra.db import migrate
from stationmaster.infra.db.database import Database
from stationmaster.infra.db.outbox import OutboxRelay
from stationmaster.infra.db.postgres import PostgresDatabase
from stationmaster.infra.db.sqlite import SqliteDatabase
from stationmaster.infra.db.tables import outbox
from stationmaster.infra.runtime import Runtime
from stationmaster.kernel.errors import Unavailable

pytestmark = pytest.mark.anyio


@pytest.fixture
async def runtime() -> AsyncIterator[Runtime]:
    runtime = Runtime()
    yield runtime
    await runtime.cancel_all()


@pytest.fixture
async def handles(postgres_url: str, runtime: Runtime) -> AsyncIterator[list[Database]]:
    """Three processes' handles on one PostgreSQL."""
    migrate.upgrade(postgres_url)
    async with AsyncExitStack() as stack:
        handles = [PostgresDatabase(postgres_url, pool_size=2, runtime=runtime) for _ in range(3)]
        for handle in handles:
            await handle.start()
            stack.push_async_callback(handle.stop)
        yield list(handles)
        await runtime.cancel_all()


async def say(database: Database, *ids: str) -> None:
    async with database.transaction() as uow:
        for id_ in ids:
            uow.send(Message("x", "k", b"{}", id_))


async def until(condition: Any, *, within_s: float = 20) -> None:
    async with asyncio.timeout(within_s):
        while not await condition():
            await asyncio.sleep(0.02)


async def is_empty(database: Database) -> bool:
    async with database.reading() as reader:
        return bool((await reader.execute(select(func.count()).select_from(outbox))).scalar() == 0)


@pytest.mark.services
async def test_of_two_relays_one_publishes_and_each_message_once(
    handles: list[Database], runtime: Runtime
) -> None:
    buses = [RecordingBus(), RecordingBus()]
    for handle, bus in zip(handles, buses, strict=False):
        runtime.spawn(OutboxRelay(handle, bus.as_bus(), runtime).run(), name="relay")
    for n in range(30):
        await say(handles[2], *(f"m{n}-{i}" for i in range(10)))
    await until(lambda: is_empty(handles[2]))
    first, second = sorted((bus.ids for bus in buses), key=len)
    assert first == []
    assert second == [f"m{n}-{i}" for n in range(30) for i in range(10)]


@pytest.mark.services
async def test_a_commit_elsewhere_is_published_at_once(handles: list[Database], runtime: Runtime) -> None:
    bus, published = RecordingBus(), asyncio.Event()
    bus.on_publish = published.set
    runtime.spawn(OutboxRelay(handles[0], bus.as_bus(), runtime).run(), name="relay")
    await say(handles[1], "first")
    async with asyncio.timeout(5):
        await published.wait()
    loop = asyncio.get_running_loop()
    waits = []
    for n in range(10):
        published.clear()
        started = loop.time()
        await say(handles[1], f"m{n}")
        async with asyncio.timeout(5):
            await published.wait()
        waits.append(loop.time() - started)
    assert sorted(waits)[5] < 0.25, "half of the poll: it was woken"


@pytest.mark.services
async def test_when_the_leader_loses_its_connections_nothing_is_lost(
    handles: list[Database], runtime: Runtime
) -> None:
    buses = [RecordingBus(), RecordingBus()]
    for handle, bus in zip(handles, buses, strict=False):
        runtime.spawn(OutboxRelay(handle, bus.as_bus(), runtime).run(), name="relay")
    said = []
    for n in range(12):
        said.append(f"m{n}")
        await say(handles[2], f"m{n}")
        if n % 4 == 3:
            async with handles[2].transaction() as uow:
                await uow.execute(
                    text(
                        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                        "WHERE datname = current_database() AND pid <> pg_backend_pid()"
                    )
                )
    await until(lambda: is_empty(handles[2]))
    assert set(buses[0].ids + buses[1].ids) == set(said)


@pytest.mark.services
async def test_a_killed_database_comes_back_with_all_that_was_committed(
    postgres: PostgresServer, runtime: Runtime
) -> None:
    url = postgres.new_database()
    migrate.upgrade(url)
    database = PostgresDatabase(url, pool_size=2, runtime=runtime)
    await database.start()
    bus, said = RecordingBus(), []
    bus.ready = False
    runtime.spawn(OutboxRelay(database, bus.as_bus(), runtime).run(), name="relay")
    for n in range(5):
        said.append(f"m{n}")
        await say(database, f"m{n}")
    postgres.kill()
    with pytest.raises(Unavailable):
        await say(database, "lost")
    await asyncio.to_thread(postgres.restart)
    bus.ready = True
    await database.ping()
    await say(database, "after")
    await until(lambda: is_empty(database))
    assert bus.ids == [*said, "after"]
    await runtime.cancel_all()
    await database.stop()


async def facts_arrive(database: Database, bus: Bus, runtime: Runtime) -> None:
    """From announce to a consumer of `charging_events`, each exactly once here (nothing fails)."""
    names = Names()
    got: list[str] = []

    async def take(deliveries: Any) -> None:
        delivery: Delivery
        for delivery in deliveries:
            got.extend(item.decode() for item in delivery.items)

    await bus.consume(names.charging_events, take, batch_max=50, prefetch=100)
    runtime.spawn(OutboxRelay(database, bus, runtime).run(), name="relay")
    for n in range(20):
        async with database.transaction() as uow:
            for i in range(5):
                uow.announce(Fact(id=f"f{n}-{i}", type=CHARGING_STARTED, at="2026-01-01T00:00:00Z"))

    async def all_there() -> bool:
        return len(got) >= 100

    await until(all_there)
    assert len(got) == 100
    await until(lambda: is_empty(database))


async def test_the_embedded_composition(tmp_path: Path, runtime: Runtime) -> None:
    url = f"sqlite:///{tmp_path}/outbox.db"
    migrate.upgrade(url)
    database = SqliteDatabase(url, runtime=runtime)
    await database.start()
    bus = JournalBus(Journal(tmp_path / "journal.db"), topology(), runtime)
    await bus.start()
    await facts_arrive(database, bus, runtime)
    await runtime.cancel_all()
    await bus.stop()
    await database.stop()


@pytest.mark.services
async def test_the_production_composition(
    handles: list[Database], rabbitmq_url: str, runtime: Runtime
) -> None:
    amqp = pytest.importorskip("stationmaster.infra.bus.amqp")
    bus = amqp.AmqpBus(rabbitmq_url, names=Names())
    await bus.start()
    await bus.apply(topology())
    await facts_arrive(handles[0], bus, runtime)
    await runtime.cancel_all()
    await bus.stop()
