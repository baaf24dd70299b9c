"""The SQL of the OCPP log."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import and_, bindparam, delete, or_, select, text
from sqlalchemy.sql import ColumnElement

from stationmaster.frames.rules.pairing import Partner, partner_of
from stationmaster.frames.rules.rows import Row
from stationmaster.frames.tables import charger_data, heartbeat_minute
from stationmaster.infra.db.database import Database, Reader, UnitOfWork

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


async def partners(reader: Reader, rows: Sequence[Row]) -> list[Row]:
    """The answers to these calls and commands, and what these answers answer."""
    wanted = [clause for row in rows if (clause := _partner_clause(row, partner_of(row.kind))) is not None]
    if not wanted:
        return []
    columns = [charger_data.c[name] for name in Row.__slots__]
    found = await reader.execute(select(*columns).where(or_(*wanted)))
    return [Row(*tuple(row)) for row in found.all()]


def _partner_clause(row: Row, partner: Partner | None) -> ColumnElement[bool] | None:
    if partner is None:
        return None
    t = charger_data.c
    same = t.seq == row.seq if partner.by_seq else t.message_id == row.message_id
    return and_(t.device_id == row.device_id, t.epoch == row.epoch, t.kind.in_(partner.kinds), same)
