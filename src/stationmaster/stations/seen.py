"""When was a station last heard of?"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import bindparam, or_, select, update

from stationmaster.infra.db.among import among
from stationmaster.infra.db.database import UnitOfWork
from stationmaster.stations.tables import station

GRAIN = timedelta(seconds=10)
"""Nobody looks closer; without it every batch would write every station's row."""


async def apply(uow: UnitOfWork, seen: Mapping[str, datetime]) -> None:
    """Move `last_seen_at` forward for the stations of a batch."""
    if not seen:
        return
    rows = await uow.execute(
        select(station.c.station_id, station.c.last_seen_at).where(among(station.c.station_id, sorted(seen)))
    )
    stale = [
        {"of_station": row.station_id, "at": seen[row.station_id]}
        for row in rows.all()
        if row.last_seen_at is None or seen[row.station_id] - row.last_seen_at >= GRAIN
    ]
    if stale:
        at = bindparam("at", type_=station.c.last_seen_at.type)
        is_older = or_(station.c.last_seen_at.is_(None), station.c.last_seen_at < at)
        await uow.execute_many(
            update(station)
            .where(station.c.station_id == bindparam("of_station"), is_older)
            .values(last_seen_at=at),
            sorted(stale, key=lambda row: str(row["of_station"])),
        )
