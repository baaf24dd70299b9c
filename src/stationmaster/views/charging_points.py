"""Which charging points are there, and what is each of their connectors doing? The operators' first screen.

A page costs four statements, whatever its size: stations, connectors, open sessions, open commands.
"""

from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Depends, Query
from sqlalchemy import ColumnElement, Row, and_, exists, func, or_, select

from stationmaster.charging.tables import charging_session
from stationmaster.identity import access
from stationmaster.identity.model import Principal
from stationmaster.infra.db.among import among
from stationmaster.infra.db.database import Reader
from stationmaster.infra.http import pagination
from stationmaster.infra.http.context import Context, get
from stationmaster.infra.http.wire import Wire, WireTime
from stationmaster.kernel.errors import NotFound
from stationmaster.stations.facts import connector_of
from stationmaster.stations.tables import command, connector, station
from stationmaster.views import asking
from stationmaster.views.connectors import STATION, UNKNOWN, LiveSession, Standing, standing

router = APIRouter(tags=["screens"])

Ctx = Annotated[Context, Depends(get)]

OFFLINE: Final = "Offline"
# OCPP 1.6, 7.7, and our two words for what a station did not say.
Shown = Literal[
    "Available",
    "Preparing",
    "Charging",
    "SuspendedEVSE",
    "SuspendedEV",
    "Finishing",
    "Reserved",
    "Unavailable",
    "Faulted",
    "Unknown",
    "Offline",
]


class ConnectorNow(Wire):
    """``status`` is Unavailable while the station is offline."""

    connector_id: int
    status: str
    error_code: str
    info: str
    status_at: WireTime | None
    power_w: float | None
    soc_percent: float | None
    version: int
    session: LiveSession | None


class PendingCommand(Wire):
    """Asked, and without an outcome so far."""

    command_id: str
    action: str
    state: str
    created_at: WireTime
    connector_id: int | None


class ChargingPoint(Wire):
    station_id: str
    charger_id: str
    name: str
    site: str
    model: str
    vendor: str
    is_online: bool
    last_seen_at: WireTime | None
    connected_at: WireTime | None
    disconnected_at: WireTime | None
    version: int
    organisation_id: str
    connectors: list[ConnectorNow]
    pending_command: PendingCommand | None


class ChargingPointPage(Wire):
    items: list[ChargingPoint]
    next_cursor: str | None = None


@router.get("/api/cms/charging-points")
async def list_charging_points(
    ctx: Ctx,
    who: access.Operator,
    search: asking.Words = "",
    status: Annotated[list[Shown] | None, Query(max_length=asking.MANY_MAX)] = None,
    cursor: pagination.Cursor = None,
    limit: pagination.Limit = asking.PAGE,
) -> ChargingPointPage:
    """By identity. ``status`` (repeatable): only stations of which a connector stands so."""
    query = _stations(who).where(station.c.archived_at.is_(None))
    if after := asking.place(cursor, str):
        query = query.where(station.c.station_id > after[0])
    if search:
        query = query.where(named(search))
    if status:
        query = query.where(_shows(status))
    async with ctx.database.reading() as reader:
        rows = (await reader.execute(query.order_by(station.c.station_id).limit(limit + 1))).all()
        items = await _points(reader, rows[:limit])
    more = pagination.encode([items[-1].station_id]) if len(rows) > limit else None
    return ChargingPointPage(items=items, next_cursor=more)


@router.get("/api/cms/charging-points/{station_id}")
async def get_charging_point(station_id: asking.Words, ctx: Ctx, who: access.Operator) -> ChargingPoint:
    """One of them; an archived one too."""
    async with ctx.database.reading() as reader:
        rows = (await reader.execute(_stations(who).where(station.c.station_id == station_id))).all()
        items = await _points(reader, rows)
    if not items:
        raise NotFound("unknown_station", f"There is no charging station {station_id!r}.")
    return items[0]


def named(search: str) -> ColumnElement[bool]:
    """Does a station's own description hold these words?"""
    t = station.c
    columns = (t.station_id, t.name, t.site, t.vendor, t.model)
    return or_(*(column.icontains(search, autoescape=True) for column in columns))


def _stations(who: Principal) -> Any:
    query = select(*STATION, station.c.charger_id, station.c.organisation_id)
    if who.organisation_id is None:
        return query
    return query.where(station.c.organisation_id == who.organisation_id)


def _shows(words: list[Shown]) -> ColumnElement[bool]:
    """An offline station is Offline whatever it said last; a connector never spoken of is Unknown."""
    of_station = and_(connector.c.station_id == station.c.station_id, connector.c.connector_id >= 1)
    stands_so: list[ColumnElement[bool]] = [exists().where(of_station, connector.c.status.in_(words))]
    if UNKNOWN in words:
        spoken_of = select(func.count()).select_from(connector).where(of_station).scalar_subquery()
        stands_so.append(station.c.connector_count > spoken_of)
    is_so = and_(station.c.is_online.is_(True), or_(*stands_so))
    return or_(is_so, station.c.is_online.is_(False)) if OFFLINE in words else is_so


async def _points(reader: Reader, rows: Any) -> list[ChargingPoint]:
    if not rows:
        return []
    connectors = await standing(reader, rows)
    pending = await _pending(reader, [row.station_id for row in rows])
    return [_point(row, connectors[row.station_id], pending.get(row.station_id)) for row in rows]


def _point(row: Row[Any], connectors: list[Standing], pending: PendingCommand | None) -> ChargingPoint:
    return ChargingPoint(
        **row._asdict(),
        connectors=[_connector(one) for one in connectors],
        pending_command=pending,
    )


def _connector(one: Standing) -> ConnectorNow:
    session = one.sessions[0] if one.sessions else None
    return ConnectorNow(
        connector_id=one.connector_id,
        status=one.status,
        error_code=one.error_code,
        info=one.info,
        status_at=one.status_at,
        power_w=one.figure("power_w", session),
        soc_percent=one.figure("soc_percent", session),
        version=one.version,
        session=one.live(session),
    )


async def _pending(reader: Reader, station_ids: list[str]) -> dict[str, PendingCommand]:
    """The newest unfinished command of each."""
    t = command.c
    order = func.row_number().over(partition_by=t.station_id, order_by=(t.created_at.desc(), t.id.desc()))
    newest = (
        select(
            *(t.id, t.station_id, t.action, t.state, t.created_at, t.payload),
            charging_session.c.connector_id,
            order.label("place"),
        )
        .outerjoin(charging_session, charging_session.c.id == t.session_id)
        .where(among(t.station_id, station_ids), t.finished_at.is_(None))
        .subquery()
    )
    rows = await reader.execute(select(newest).where(newest.c.place == 1))
    return {
        row.station_id: PendingCommand(
            command_id=row.id,
            action=row.action,
            state=row.state,
            created_at=row.created_at,
            # A stop names a transaction; the connector is its session's.
            connector_id=connector_of(row.payload) or row.connector_id,
        )
        for row in rows.all()
    }
