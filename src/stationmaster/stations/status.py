"""A connector's last known status, which only moves forward.

Set-based: one call takes a whole batch of the worker. Status comes late (kept gaps, older links, replays);
what is older than the row by (epoch, seq) changes nothing.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select, update

from stationmaster.infra.db.among import among
from stationmaster.infra.db.database import Reader, UnitOfWork
from stationmaster.infra.db.values import columns_of, row_of, value_of
from stationmaster.stations import facts
from stationmaster.stations.model import StatusChange
from stationmaster.stations.tables import connector, station

MAX_CONNECTOR_ID = 255
"""A station that reports more is not believed: each number would become a row."""

Key = tuple[str, int]


@dataclass(slots=True)
class _Last:
    """A connector row while the batch is folded into it."""

    status: str
    error_code: str
    info: str
    vendor_error_code: str
    status_at: datetime | None
    status_epoch: int
    status_seq: int
    version: int

    def differs(self, change: StatusChange) -> bool:
        return (self.status, self.error_code, self.info, self.vendor_error_code) != (
            change.status,
            change.error_code,
            change.info,
            change.vendor_error_code,
        )

    def take(self, change: StatusChange) -> bool:
        """Move forward; True when something a reader can see changed."""
        is_real = self.differs(change)
        self.status, self.error_code = change.status, change.error_code
        self.info, self.vendor_error_code = change.info, change.vendor_error_code
        self.status_at, (self.status_epoch, self.status_seq) = change.at, change.place
        self.version += is_real
        return is_real


async def apply(uow: UnitOfWork, changes: Sequence[StatusChange]) -> list[StatusChange]:
    """Apply a batch in its order; what really changed comes back (and is announced)."""
    stations = await _stations(uow, {change.station_id for change in changes})
    wanted = [c for c in changes if c.station_id in stations and 0 <= c.connector_id <= MAX_CONNECTOR_ID]
    if not wanted:
        return []
    last = await _locked_connectors(uow, {(c.station_id, c.connector_id) for c in wanted})
    real: list[StatusChange] = []
    touched: set[Key] = set()
    for change in wanted:
        key = (change.station_id, change.connector_id)
        row = last[key]
        if change.place <= (row.status_epoch, row.status_seq):
            continue
        touched.add(key)
        if row.take(change):
            real.append(change)
            known = stations[change.station_id]
            uow.announce(
                facts.status_changed(
                    change,
                    organisation_id=known.organisation_id,
                    is_online=known.is_online,
                    version=row.version
                    if change.connector_id
                    else await _next_version(uow, change.station_id),
                )
            )
    await _write(uow, last, touched)
    await _learn_connector_counts(uow, stations, wanted)
    return real


async def _next_version(uow: UnitOfWork, station_id: str) -> int:
    """Connector 0 is the station, whose presence is told under the same name: both count with one version."""
    here = station.c.station_id == station_id
    await uow.execute(update(station).where(here).values(version=station.c.version + 1))
    return int((await uow.execute(select(station.c.version).where(here))).scalar())


async def _stations(reader: Reader, station_ids: set[str]) -> Mapping[str, Any]:
    """The stations of the batch that are registered, with whom to tell."""
    if not station_ids:
        return {}
    rows = await reader.execute(
        select(
            station.c.station_id, station.c.organisation_id, station.c.is_online, station.c.connector_count
        ).where(among(station.c.station_id, sorted(station_ids)))
    )
    return {row.station_id: row for row in rows.all()}


async def _locked_connectors(uow: UnitOfWork, keys: set[Key]) -> dict[Key, _Last]:
    """Lock first, load afterwards: after a lock wait the locking statement's own rows are old."""
    known = await _lock(uow, keys)
    if missing := keys - known:
        rows = [{"station_id": s, "connector_id": c} for s, c in sorted(missing)]
        await uow.bulk_insert(connector, rows, ignore_conflicts=True)
        await _lock(uow, missing)
    return await _load(uow, keys)


async def _lock(uow: UnitOfWork, keys: set[Key]) -> set[Key]:
    rows = await uow.execute(
        uow.locked(
            select(connector.c.station_id, connector.c.connector_id)
            .where(among(connector.c.station_id, _station_ids(keys)))
            .order_by(connector.c.station_id, connector.c.connector_id)
        )
    )
    return {(row.station_id, row.connector_id) for row in rows.all()}


async def _load(reader: Reader, keys: set[Key]) -> dict[Key, _Last]:
    columns = columns_of(_Last, connector)
    rows = await reader.execute(
        select(connector.c.station_id, connector.c.connector_id, *columns).where(
            among(connector.c.station_id, _station_ids(keys))
        )
    )
    return {(row[0], row[1]): value_of(_Last, row[2:]) for row in map(tuple, rows.all())}


def _station_ids(keys: Iterable[Key]) -> list[str]:
    return sorted({station_id for station_id, _ in keys})


async def _write(uow: UnitOfWork, last: Mapping[Key, _Last], touched: set[Key]) -> None:
    if not touched:
        return
    rows = [
        {
            "station_id": key[0],
            "connector_id": key[1],
            **row_of(last[key]),
        }
        for key in sorted(touched)
    ]
    await uow.bulk_update(connector, rows, key=("station_id", "connector_id"))


async def _learn_connector_counts(
    uow: UnitOfWork, stations: Mapping[str, Any], changes: Iterable[StatusChange]
) -> None:
    """A station tells how many connectors it has by reporting them."""
    seen: dict[str, int] = {}
    for change in changes:
        seen[change.station_id] = max(seen.get(change.station_id, 0), change.connector_id)
    rows = [
        {"station_id": station_id, "connector_count": count}
        for station_id, count in sorted(seen.items())
        if count > stations[station_id].connector_count
    ]
    if rows:
        await uow.bulk_update(station, rows, key=("station_id",))
