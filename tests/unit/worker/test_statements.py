"""The hot path is set-based: the number of statements does not grow with the batch."""

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.unit.worker.kit import Kit, a_kit

from stationmaster.actions.dispatch import Registry
from stationmaster.identity.tables import organisation
from stationmaster.infra.db.database import UnitOfWork
from stationmaster.infra.db.sqlite import SqliteDatabase
from stationmaster.kernel.clock import isoformat_z
from stationmaster.stations import registry

pytestmark = pytest.mark.anyio
STATEMENTS_MAX = 8
SAID = {"execute", "execute_many", "bulk_insert", "bulk_update", "bulk_upsert", "copy", "take_turns"}


class Counting:
    """The database, counting what is said to its units of work."""

    def __init__(self, database: SqliteDatabase):
        self._database = database
        self.said: Counter[str] = Counter()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Any]:
        async with self._database.transaction() as uow:
            yield _CountingUnit(uow, self.said)


class _CountingUnit:
    def __init__(self, uow: UnitOfWork, said: Counter[str]):
        self._uow, self._said = uow, said

    def __getattr__(self, name: str) -> Any:
        self._said[name] += name in SAID
        return getattr(self._uow, name)


async def _stations(kit: Kit, count: int) -> list[str]:
    now, ids = kit.clock.now(), kit.worker._runtime.ids
    names = [f"S{n:03}" for n in range(count)]
    async with kit.database.transaction() as uow:
        await uow.bulk_insert(organisation, [{"id": "org", "name": "O", "created_at": now}])
        for name in names:
            await registry.create(
                uow, station_id=name, organisation_id="org", security_profile=0, now=now, ids=ids
            )
    return names


def _meter(kit: Kit, station: str, seq: int) -> bytes:
    sampled = [{"value": str(seq * 100), "measurand": "Energy.Active.Import.Register", "unit": "Wh"}]
    value = {"timestamp": isoformat_z(kit.clock.now()), "sampledValue": sampled}
    return kit.frame(seq, payload={"connectorId": 1, "meterValue": [value]}, station=station)


async def _count(kit: Kit, stations: list[str], *, each: int) -> Counter[str]:
    start = {"connectorId": 1, "idTag": "X", "meterStart": 0, "timestamp": isoformat_z(kit.clock.now())}
    await kit.take(*(kit.frame(1, "Authorize", {"idTag": "X"}, station=s) for s in stations))
    await kit.take(*(kit.frame(2, "StartTransaction", start, station=s) for s in stations))
    kit.clock.advance(60)
    counting = Counting(kit.database)
    kit.worker._database = counting  # type: ignore[assignment]
    await kit.take(*(_meter(kit, s, 3 + n) for s in stations for n in range(each)))
    return counting.said


@pytest.mark.parametrize(("stations", "each"), [(1, 1), (40, 5)])
async def test_a_batch_of_meter_values_takes_few_statements(tmp_path: Path, stations: int, each: int) -> None:
    async with a_kit(tmp_path, registry=Registry()) as kit:
        said = await _count(kit, await _stations(kit, stations), each=each)
        assert sum(said[name] for name in SAID) <= STATEMENTS_MAX, said
