"""The SQL of the OCPP log."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import bindparam, delete, text

from stationmaster.frames.rules.rows import Row
from stationmaster.frames.tables import charger_data, heartbeat_minute
from stationmaster.infra.db.database import Database, UnitOfWork

_ADD_HEARTBEATS = text(
    "INSERT INTO heartbeat_minute (device_id, minute, count) VALUES (:device_id, :minute, :count) "
    "ON CONFLICT (device_id, minute) DO UPDATE SET count = heartbeat_minute.count + excluded.count"
).bindparams(bindparam("minute", type_=heartbeat_minute.c.minute.type))


async def append(uow: UnitOfWork, rows: Sequence[Row]) -> None:
    """The fast way; raises Duplicate when one of them was written before."""
    await uow.copy(charger_data, [row.values() for row in rows])


async def append_missing(uow: UnitOfWork, rows: Sequence[Row]) -> None:
    """Those that were not written before."""
    await uow.bulk_insert(charger_data, [row.values() for row in rows], ignore_conflicts=True)


async def add_heartbeats(uow: UnitOfWork, counts: Mapping[tuple[str, datetime], int]) -> None:
    """Count on."""
    parameters = [
        {"device_id": device_id, "minute": minute, "count": count}
        for (device_id, minute), count in sorted(counts.items())
    ]
    await uow.execute_many(_ADD_HEARTBEATS, parameters)


async def forget_heartbeats(database: Database, *, before: datetime) -> None:
    async with database.transaction() as uow:
        await uow.execute(delete(heartbeat_minute).where(heartbeat_minute.c.minute < before))
