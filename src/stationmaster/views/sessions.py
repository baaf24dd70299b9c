"""Which charging sessions were there, and what became of each? For operators, and for a driver their own."""

from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query
from sqlalchemy import and_, func, or_, select

from stationmaster.charging.model import State
from stationmaster.charging.tables import charging_session, meter_sample
from stationmaster.identity import access
from stationmaster.identity.model import Principal
from stationmaster.identity.tables import person
from stationmaster.infra.db.database import Reader
from stationmaster.infra.http import pagination
from stationmaster.infra.http.context import Context, get
from stationmaster.infra.http.wire import Wire, WireTime
from stationmaster.kernel.errors import NotFound
from stationmaster.views import asking
from stationmaster.views.connectors import DRIVER_NAME

router = APIRouter(tags=["screens"])

Ctx = Annotated[Context, Depends(get)]

SAMPLES_MAX: Final = 500


class ChargingSession(Wire):
    """From intent to receipt. ``energy_wh`` and ``cost_minor`` run, and are final once it is settled."""

    session_id: str
    station_id: str
    connector_id: int
    state: str
    sub_reason: str
    started_by: str
    payer_kind: str
    driver_id: str | None
    driver_name: str | None
    transaction_id: int | None
    created_at: WireTime
    started_at: WireTime | None
    ended_at: WireTime | None
    settled_at: WireTime | None
    energy_wh: int
    power_w: float | None
    soc_percent: float | None
    price_minor_per_kwh: int
    currency: str
    hold_minor: int
    cost_minor: int
    captured_minor: int
    overrun_minor: int
    released_minor: int
    fee_minor: int
    organisation_minor: int
    tax_minor: int
    stop_reason: str
    is_suspect: bool
    is_provisional: bool
    version: int


class MeterSample(Wire):
    """``energy_wh`` was delivered since the start; null where the register says nothing believable."""

    at: WireTime
    energy_wh: int | None
    power_w: float | None
    soc_percent: float | None


class ChargingSessionDetail(ChargingSession):
    """``meter_samples`` are oldest first, and thinned out evenly when there are very many."""

    meter_samples: list[MeterSample]


class ChargingSessionPage(Wire):
    items: list[ChargingSession]
    next_cursor: str | None = None


_LABELS: Final = {"session_id": "id", "hold_minor": "hold_amount_minor"}
_COLUMNS: Final = [
    charging_session.c[_LABELS.get(name, name)].label(name)
    for name in ChargingSession.model_fields
    if name != "driver_name"
]


@router.get("/api/cms/sessions")
async def list_sessions(
    ctx: Ctx,
    who: access.Operator,
    state: Annotated[list[State] | None, Query(max_length=asking.MANY_MAX)] = None,
    live: bool | None = None,
    station_id: Annotated[asking.Words | None, Query(alias="stationId")] = None,
    driver_id: Annotated[asking.Words | None, Query(alias="driverId")] = None,
    since: Annotated[asking.Moment | None, Query(alias="from")] = None,
    until: Annotated[asking.Moment | None, Query(alias="to")] = None,
    cursor: pagination.Cursor = None,
    limit: pagination.Limit = asking.PAGE,
) -> ChargingSessionPage:
    """Newest first, by when they were asked for. ``live``: only those that are not over, or only those that
    are."""
    t = charging_session.c
    wanted = [
        None if who.organisation_id is None else t.organisation_id == who.organisation_id,
        t.state.in_([str(one) for one in state]) if state else None,
        None if live is None else t.settled_at.is_(None) if live else t.settled_at.is_not(None),
        None if station_id is None else t.station_id == station_id,
        None if driver_id is None else t.driver_id == driver_id,
        None if since is None else t.created_at >= since,
        None if until is None else t.created_at < until,
    ]
    return await _page(ctx, [one for one in wanted if one is not None], cursor, limit)


@router.get("/api/cms/sessions/{session_id}")
async def get_session(session_id: asking.Words, ctx: Ctx, who: access.Operator) -> ChargingSessionDetail:
    """With its meter curve."""
    return await _detail(ctx, session_id, _of_organisation(who))


@router.get("/api/user/sessions")
async def list_my_sessions(
    ctx: Ctx,
    who: access.Driver,
    live: bool | None = None,
    cursor: pagination.Cursor = None,
    limit: pagination.Limit = asking.PAGE,
) -> ChargingSessionPage:
    """Mine, newest first."""
    t = charging_session.c
    wanted: list[Any] = [t.driver_id == who.person_id]
    if live is not None:
        wanted.append(t.settled_at.is_(None) if live else t.settled_at.is_not(None))
    return await _page(ctx, wanted, cursor, limit)


@router.get("/api/user/sessions/{session_id}")
async def get_my_session(session_id: asking.Words, ctx: Ctx, who: access.Driver) -> ChargingSessionDetail:
    """Mine, with its meter curve."""
    return await _detail(ctx, session_id, [charging_session.c.driver_id == who.person_id])


def _of_organisation(who: Principal) -> list[Any]:
    if who.organisation_id is None:
        return []
    return [charging_session.c.organisation_id == who.organisation_id]


def _sessions(wanted: list[Any]) -> Any:
    query = select(*_COLUMNS, DRIVER_NAME).outerjoin(person, person.c.id == charging_session.c.driver_id)
    return query.where(*wanted)


async def _page(ctx: Context, wanted: list[Any], cursor: str | None, limit: int) -> ChargingSessionPage:
    t = charging_session.c
    query = _sessions(wanted)
    if before := asking.place(cursor, datetime, str):
        at, id_ = before
        # The first comparison says to the index where to begin.
        query = query.where(t.created_at <= at, or_(t.created_at < at, and_(t.created_at == at, t.id < id_)))
    async with ctx.database.reading() as reader:
        found = await reader.execute(query.order_by(t.created_at.desc(), t.id.desc()).limit(limit + 1))
        rows = found.all()
    items = [ChargingSession.model_validate(row) for row in rows[:limit]]
    more = None
    if len(rows) > limit:
        more = pagination.encode([items[-1].created_at.isoformat(), items[-1].session_id])
    return ChargingSessionPage(items=items, next_cursor=more)


async def _detail(ctx: Context, session_id: str, wanted: list[Any]) -> ChargingSessionDetail:
    async with ctx.database.reading() as reader:
        mine = [charging_session.c.id == session_id, *wanted]
        row = (await reader.execute(_sessions(mine))).first()
        if row is None:
            raise NotFound("session_unknown", "There is no such charging session.")
        samples = await _samples(reader, session_id)
    shown = ChargingSession.model_validate(row)
    return ChargingSessionDetail(**dict(shown), meter_samples=samples)


async def _samples(reader: Reader, session_id: str) -> list[MeterSample]:
    """Every n-th, counted from the newest, so that the last word is always among them."""
    t = meter_sample.c
    numbered = (
        select(
            t.sampled_at.label("at"),
            (t.energy_wh - charging_session.c.meter_start_wh).label("energy_wh"),
            t.power_w,
            t.soc_percent,
            func.row_number().over(order_by=(t.sampled_at, t.epoch, t.seq, t.digest)).label("place"),
            func.count().over().label("of"),
        )
        .join(charging_session, charging_session.c.id == t.session_id)
        .where(t.session_id == session_id)
        .where(or_(t.energy_wh.is_not(None), t.power_w.is_not(None), t.soc_percent.is_not(None)))
        .subquery()
    )
    step = (numbered.c.of + (SAMPLES_MAX - 1)) // SAMPLES_MAX
    thinned = (
        select(numbered).where((numbered.c.of - numbered.c.place) % step == 0).order_by(numbered.c.place)
    )
    return [_sample(row) for row in (await reader.execute(thinned)).all()]


def _sample(row: Any) -> MeterSample:
    """A register that stands below its start was changed or reset."""
    sample = MeterSample.model_validate(row)
    if sample.energy_wh is not None and sample.energy_wh < 0:
        sample.energy_wh = None
    return sample
