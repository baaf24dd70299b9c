"""This room's SQL on OCPP's transactions: their ids and aliases, their unmatched stops, their samples."""

from collections.abc import Iterable, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any

from sqlalchemy import Row, select, update

from stationmaster.charging.model import Transaction
from stationmaster.charging.tables import meter_sample, ocpp_transaction, transaction_alias, unmatched_stop
from stationmaster.infra.db.database import Reader, UnitOfWork
from stationmaster.infra.db.values import columns_of, value_of

_TRANSACTION = tuple(field.name for field in fields(Transaction))
_TRANSACTION_COLUMNS = columns_of(Transaction, ocpp_transaction)


def _transaction(row: Row[Any]) -> Transaction:
    return value_of(Transaction, row)


async def transaction_by_fingerprint(reader: Reader, fingerprint: str) -> Transaction | None:
    query = select(*_TRANSACTION_COLUMNS).where(ocpp_transaction.c.fingerprint == fingerprint)
    row = (await reader.execute(query)).first()
    return None if row is None else _transaction(row)


async def transactions(
    reader: Reader, transaction_ids: Iterable[int], *, station_ids: Sequence[str] | None = None
) -> dict[int, Transaction]:
    """By the ids asked for: an id that was only proposed once leads to the transaction it means."""
    wanted = sorted(set(transaction_ids))
    if not wanted:
        return {}
    meant = await _aliases(reader, wanted)
    query = select(*_TRANSACTION_COLUMNS).where(
        ocpp_transaction.c.transaction_id.in_(sorted({*wanted, *meant.values()}))
    )
    if station_ids is not None:
        query = query.where(ocpp_transaction.c.station_id.in_(sorted(set(station_ids))))
    by_id = {row.transaction_id: _transaction(row) for row in (await reader.execute(query)).all()}
    return {asked: by_id[real] for asked in wanted if (real := meant.get(asked, asked)) in by_id}


async def _aliases(reader: Reader, wanted: Sequence[int]) -> dict[int, int]:
    query = select(transaction_alias.c.transaction_id, transaction_alias.c.means_transaction_id).where(
        transaction_alias.c.transaction_id.in_(wanted)
    )
    return {row.transaction_id: row.means_transaction_id for row in (await reader.execute(query)).all()}


async def is_transaction_id_taken(reader: Reader, transaction_id: int) -> bool:
    real = select(ocpp_transaction.c.transaction_id).where(
        ocpp_transaction.c.transaction_id == transaction_id
    )
    alias = select(transaction_alias.c.transaction_id).where(
        transaction_alias.c.transaction_id == transaction_id
    )
    return (await reader.execute(real.union_all(alias))).first() is not None


async def set_answer(uow: UnitOfWork, transaction_id: int, answer: str) -> None:
    """What the station was really told, for its next repetition."""
    here = ocpp_transaction.c.transaction_id == transaction_id
    await uow.execute(update(ocpp_transaction).where(here).values(answer=answer))


async def open_transactions(reader: Reader, station_id: str) -> list[Transaction]:
    """Oldest first."""
    query = (
        select(*_TRANSACTION_COLUMNS)
        .where(ocpp_transaction.c.station_id == station_id, ocpp_transaction.c.stopped_at.is_(None))
        .order_by(ocpp_transaction.c.started_at, ocpp_transaction.c.transaction_id)
    )
    return [_transaction(row) for row in (await reader.execute(query)).all()]


async def insert_transaction(uow: UnitOfWork, transaction: Transaction) -> None:
    await uow.bulk_insert(ocpp_transaction, [{name: getattr(transaction, name) for name in _TRANSACTION}])


async def end_transaction(
    uow: UnitOfWork,
    transaction_id: int,
    *,
    stopped_at: datetime,
    meter_stop_wh: int | None,
    reason: str,
    id_token: str | None,
    fingerprint: str | None,
) -> None:
    await uow.execute(
        update(ocpp_transaction)
        .where(ocpp_transaction.c.transaction_id == transaction_id)
        .values(
            stopped_at=stopped_at,
            meter_stop_wh=meter_stop_wh,
            stop_reason=reason,
            stop_id_token=id_token,
            stop_fingerprint=fingerprint,
        )
    )


async def add_alias(uow: UnitOfWork, *, transaction_id: int, means: int, station_id: str) -> None:
    row = {"transaction_id": transaction_id, "means_transaction_id": means, "station_id": station_id}
    await uow.bulk_insert(transaction_alias, [row], ignore_conflicts=True)


async def insert_unmatched_stops(uow: UnitOfWork, rows: Sequence[dict[str, Any]]) -> None:
    if rows:
        await uow.bulk_insert(unmatched_stop, rows)


async def unmatched_stops_of(
    reader: Reader, *, station_ids: Sequence[str], transaction_ids: Sequence[int]
) -> list[Row[Any]]:
    """Stops that came before their start."""
    if not transaction_ids:
        return []
    query = (
        select(unmatched_stop)
        .where(
            unmatched_stop.c.station_id.in_(station_ids),
            unmatched_stop.c.transaction_id.in_(transaction_ids),
            unmatched_stop.c.resolved_at.is_(None),
        )
        .order_by(unmatched_stop.c.id)
    )
    return list((await reader.execute(query)).all())


async def resolve_unmatched_stop(
    uow: UnitOfWork, stop_id: int, *, transaction_id: int, now: datetime
) -> None:
    """It found its transaction after all."""
    session = (
        select(ocpp_transaction.c.session_id)
        .where(ocpp_transaction.c.transaction_id == transaction_id)
        .scalar_subquery()
    )
    await uow.execute(
        update(unmatched_stop)
        .where(unmatched_stop.c.id == stop_id)
        .values(matched_session_id=session, resolved_at=now)
    )


async def insert_samples(uow: UnitOfWork, rows: Sequence[dict[str, Any]]) -> None:
    """The same reading twice is one row."""
    if rows:
        await uow.bulk_insert(meter_sample, rows, ignore_conflicts=True)


async def samples_of(reader: Reader, session_id: str, *, limit: int = 20_000) -> list[Row[Any]]:
    """Oldest first: the evidence when the registers cannot be believed."""
    query = (
        select(
            meter_sample.c.sampled_at,
            meter_sample.c.energy_wh,
            meter_sample.c.power_w,
            meter_sample.c.soc_percent,
        )
        .where(meter_sample.c.session_id == session_id)
        .order_by(meter_sample.c.sampled_at, meter_sample.c.epoch, meter_sample.c.seq)
        .limit(limit)
    )
    return list((await reader.execute(query)).all())
