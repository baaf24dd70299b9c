"""A small world for tests of the business rooms: a migrated database, a clock that moves when told, an
organisation, stations, drivers, and what was said through the outbox."""

import atexit
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import delete, select

from stationmaster.contracts import facts
from stationmaster.contracts.facts import Fact
from stationmaster.identity import people
from stationmaster.identity.model import Organisation, Person
from stationmaster.infra.db import migrate
from stationmaster.infra.db.database import Database
from stationmaster.infra.db.postgres import PostgresDatabase
from stationmaster.infra.db.sqlite import SqliteDatabase
from stationmaster.infra.db.tables import outbox
from stationmaster.infra.runtime import Runtime
from stationmaster.kernel.clock import VirtualClock
from stationmaster.kernel.ids import SeededIds
from stationmaster.stations import registry
from stationmaster.stations.model import Station

PEPPER = b"pepper of the tests"


@lru_cache(maxsize=1)
def _template() -> Path:
    """A migrated, empty database file: migrated once, copied for each test."""
    folder = Path(tempfile.mkdtemp(prefix="stationmaster-template-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    migrate.upgrade(f"sqlite:///{folder}/template.db")
    return folder / "template.db"


def _memory_folder() -> str | None:
    return "/dev/shm" if Path("/dev/shm").is_dir() else None


@dataclass
class World:
    """What a test of a room needs."""

    database: Database
    clock: VirtualClock
    ids: SeededIds
    organisation: Organisation
    _people: int = field(default=0)

    @property
    def now(self) -> Any:
        return self.clock.now()

    @property
    def said(self) -> dict[str, Any]:
        """The keyword arguments nearly every flow takes."""
        return {"now": self.clock.now(), "ids": self.ids}

    async def station(self, station_id: str = "CP1", **values: Any) -> Station:
        async with self.database.transaction() as uow:
            made, _ = await registry.create(
                uow,
                station_id=station_id,
                organisation_id=values.pop("organisation_id", self.organisation.id),
                pepper=PEPPER,
                **values,
                **self.said,
            )
        return made

    async def driver(self, email: str = "") -> Person:
        self._people += 1
        async with self.database.transaction() as uow:
            return await people.create_driver(uow, email=email or f"driver{self._people}@x.test", **self.said)

    async def take_outbox(self) -> list[Any]:
        """The outbox rows in order; gone afterwards."""
        async with self.database.transaction() as uow:
            rows = (await uow.execute(select(outbox).order_by(outbox.c.id))).all()
            await uow.execute(delete(outbox))
        return list(rows)

    async def take_facts(self) -> list[Fact]:
        return [
            facts.decode(row.body) for row in await self.take_outbox() if row.exchange == "events_exchange"
        ]


def data_of(fact: Fact) -> dict[str, Any]:
    return dict(msgspec.json.decode(fact.data))


@asynccontextmanager
async def a_world(postgres_url: str | None = None) -> AsyncIterator[World]:
    """On SQLite in memory, or on the PostgreSQL database of this URL (which is migrated first)."""
    clock = VirtualClock()
    ids = SeededIds(1, clock)
    runtime = Runtime(clock=clock, ids=ids)
    folder = tempfile.mkdtemp(prefix="stationmaster-rooms-", dir=_memory_folder())
    database: Database
    if postgres_url is None:
        shutil.copy(_template(), f"{folder}/rooms.db")
        database = SqliteDatabase(f"{folder}/rooms.db", runtime=runtime, synchronous="OFF")
    else:
        database = PostgresDatabase(postgres_url, pool_size=10)
    await database.start()
    try:
        async with database.transaction() as uow:
            organisation = await people.create_organisation(uow, name="Acme", now=clock.now(), ids=ids)
        yield World(database, clock, ids, organisation)
    finally:
        await database.stop()
        shutil.rmtree(folder, ignore_errors=True)
