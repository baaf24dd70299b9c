"""Sessions, energy and revenue per station and hour, each session counted once.

Only a shortcut for charts: everything can be counted again from the sessions themselves.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, delete, select

from stationmaster.analytics.tables import counted_session, session_hour
from stationmaster.charging.tables import TERMINAL_STATES, charging_session
from stationmaster.infra.db.among import among
from stationmaster.infra.db.database import Reader, UnitOfWork

REBUILD_BATCH = 1000

Hour = tuple[str, datetime]


@dataclass(slots=True)
class _Sums:
    sessions: int = 0
    energy_wh: int = 0
    revenue_minor: int = 0
    fee_minor: int = 0

    def add(self, session: Any) -> None:
        self.sessions += 1
        self.energy_wh += session.energy_wh
        self.revenue_minor += session.cost_minor
        self.fee_minor += session.fee_minor


async def count(uow: UnitOfWork, session_ids: Collection[str], *, now: datetime) -> int:
    """Count those of these sessions that are over, charged anything, and were not counted yet; how many."""
    over = (await uow.execute(_over().where(among(charging_session.c.id, sorted(session_ids))))).all()
    if not over:
        return 0
    hours = {(one.station_id, hour_of(one.ended_at)): one.organisation_id for one in over}
    await _lock_hours(uow, hours)
    # Read after the lock: a session is always counted behind the lock of its own hour.
    known = await _counted(uow, [one.id for one in over])
    fresh = [one for one in over if one.id not in known]
    if fresh:
        await _add(uow, fresh)
        await uow.bulk_insert(counted_session, [{"session_id": one.id, "counted_at": now} for one in fresh])
    return len(fresh)


def _over() -> Select[Any]:
    """Ended and settled. What never began has no hour and no energy."""
    c = charging_session.c
    return select(
        c.id, c.station_id, c.organisation_id, c.ended_at, c.energy_wh, c.cost_minor, c.fee_minor
    ).where(c.state.in_(TERMINAL_STATES), c.started_at.is_not(None), c.ended_at.is_not(None))


def hour_of(at: datetime) -> datetime:
    """The full hour, UTC."""
    return at.replace(minute=0, second=0, microsecond=0)


async def _lock_hours(uow: UnitOfWork, hours: dict[Hour, str]) -> None:
    rows = [
        {"station_id": station_id, "hour": hour, "organisation_id": hours[station_id, hour]}
        for station_id, hour in sorted(hours)
    ]
    await uow.bulk_insert(session_hour, rows, ignore_conflicts=True)
    await uow.execute(
        uow.locked(
            select(session_hour.c.station_id)
            .where(
                among(session_hour.c.station_id, sorted({station_id for station_id, _ in hours})),
                among(session_hour.c.hour, sorted({hour for _, hour in hours})),
            )
            .order_by(session_hour.c.station_id, session_hour.c.hour)
        )
    )


async def _counted(reader: Reader, session_ids: Sequence[str]) -> set[str]:
    rows = await reader.execute(
        select(counted_session.c.session_id).where(among(counted_session.c.session_id, session_ids))
    )
    return {row.session_id for row in rows.all()}


async def _add(uow: UnitOfWork, fresh: Sequence[Any]) -> None:
    added: dict[Hour, _Sums] = {}
    for one in fresh:
        added.setdefault((one.station_id, hour_of(one.ended_at)), _Sums()).add(one)
    stations = sorted({station_id for station_id, _ in added})
    before = await uow.execute(select(session_hour).where(among(session_hour.c.station_id, stations)))
    rows = []
    for row in before.all():
        sums = added.get((row.station_id, row.hour))
        if sums is not None:
            rows.append(
                {
                    "station_id": row.station_id,
                    "hour": row.hour,
                    "sessions": row.sessions + sums.sessions,
                    "energy_wh": row.energy_wh + sums.energy_wh,
                    "revenue_minor": row.revenue_minor + sums.revenue_minor,
                    "fee_minor": row.fee_minor + sums.fee_minor,
                }
            )
    await uow.bulk_update(session_hour, rows, key=("station_id", "hour"))


async def rebuild(uow: UnitOfWork, *, now: datetime) -> int:
    """Forget everything and count again from the sessions; how many. In one unit of work, so that charts see
    either the old figures or the new ones."""
    await uow.execute(delete(counted_session))
    await uow.execute(delete(session_hour))
    total, last = 0, ""
    while True:
        page = (
            await uow.execute(
                select(charging_session.c.id)
                .where(charging_session.c.id > last, charging_session.c.state.in_(TERMINAL_STATES))
                .order_by(charging_session.c.id)
                .limit(REBUILD_BATCH)
            )
        ).all()
        if not page:
            return total
        total += await count(uow, [row.id for row in page], now=now)
        last = page[-1].id
