"""Where can I charge, is it free, and what does it cost? The drivers' list of stations.

Who charges at a connector, how much and how fast is nobody else's business: of others a driver learns only
that it is in use.
"""

from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends
from sqlalchemy import Row, func, select

from stationmaster.charging.model import State
from stationmaster.identity import access
from stationmaster.identity.tables import organisation
from stationmaster.infra.db.database import Reader
from stationmaster.infra.http import pagination
from stationmaster.infra.http.context import Context, get
from stationmaster.infra.http.wire import Wire, WireTime
from stationmaster.kernel.errors import NotFound
from stationmaster.stations.tables import station
from stationmaster.tariffs.tables import tariff_version
from stationmaster.views import asking
from stationmaster.views.charging_points import named
from stationmaster.views.connectors import STATION, LiveSession, Standing, standing

router = APIRouter(tags=["screens"])

Ctx = Annotated[Context, Depends(get)]

# A cable hangs in a car (OCPP 1.6, 7.7). Preparing is the driver who is about to start here.
OCCUPIED: Final = frozenset({"Charging", "SuspendedEV", "SuspendedEVSE", "Finishing"})


class UserConnector(Wire):
    """``session`` is the asking driver's own, or null."""

    connector_id: int
    status: str
    error_code: str
    info: str
    status_at: WireTime | None
    power_w: float | None
    soc_percent: float | None
    version: int
    in_use: bool
    session: LiveSession | None


class UserStation(Wire):
    """``price_minor_per_kwh`` null: there is no tariff in force, so nobody can charge here."""

    station_id: str
    name: str
    site: str
    model: str
    vendor: str
    is_online: bool
    last_seen_at: WireTime | None
    connected_at: WireTime | None
    disconnected_at: WireTime | None
    version: int
    price_minor_per_kwh: int | None
    tax_bps: int | None
    currency: str
    connectors: list[UserConnector]


class UserStationPage(Wire):
    items: list[UserStation]
    next_cursor: str | None = None


@router.get("/api/user/stations")
async def list_stations_for_me(
    ctx: Ctx,
    who: access.Driver,
    search: asking.Words = "",
    cursor: pagination.Cursor = None,
    limit: pagination.Limit = asking.PAGE,
) -> UserStationPage:
    """By identity; of all organisations."""
    query = _stations(ctx.runtime.clock.now()).order_by(station.c.station_id).limit(limit + 1)
    if after := asking.place(cursor, str):
        query = query.where(station.c.station_id > after[0])
    if search:
        query = query.where(named(search))
    async with ctx.database.reading() as reader:
        rows = (await reader.execute(query)).all()
        items = await _shown(reader, rows[:limit], who.person_id)
    more = pagination.encode([items[-1].station_id]) if len(rows) > limit else None
    return UserStationPage(items=items, next_cursor=more)


@router.get("/api/user/stations/{station_id}")
async def get_station_for_me(station_id: asking.Words, ctx: Ctx, who: access.Driver) -> UserStation:
    """The one whose code was scanned."""
    query = _stations(ctx.runtime.clock.now()).where(station.c.station_id == station_id)
    async with ctx.database.reading() as reader:
        items = await _shown(reader, (await reader.execute(query)).all(), who.person_id)
    if not items:
        raise NotFound("unknown_station", f"There is no charging station {station_id!r}.")
    return items[0]


def _stations(now: datetime) -> Any:
    """With the newest version of the tariff that has begun."""
    newest = tariff_version.alias("newest")
    in_force = (
        select(newest.c.id)
        .where(newest.c.tariff_id == station.c.tariff_id, newest.c.valid_from <= now)
        .order_by(newest.c.valid_from.desc(), newest.c.version.desc())
        .limit(1)
        .correlate(station)
        .scalar_subquery()
    )
    return (
        select(
            *STATION,
            tariff_version.c.price_minor_per_kwh,
            tariff_version.c.tax_bps,
            func.coalesce(tariff_version.c.currency, organisation.c.currency).label("currency"),
        )
        .join(organisation, organisation.c.id == station.c.organisation_id)
        .outerjoin(tariff_version, tariff_version.c.id == in_force)
        .where(station.c.archived_at.is_(None))
    )


async def _shown(reader: Reader, rows: Any, driver_id: str) -> list[UserStation]:
    connectors = await standing(reader, rows)
    return [_station(row, connectors[row.station_id], driver_id) for row in rows]


def _station(row: Row[Any], connectors: list[Standing], driver_id: str) -> UserStation:
    return UserStation(
        **row._asdict(),
        connectors=[_connector(one, driver_id) for one in connectors],
    )


def _connector(one: Standing, driver_id: str) -> UserConnector:
    mine = next((session for session in one.sessions if session.driver_id == driver_id), None)
    return UserConnector(
        connector_id=one.connector_id,
        status=one.status,
        error_code=one.error_code,
        info=one.info,
        status_at=one.status_at,
        power_w=None if mine is None else one.figure("power_w", mine),
        soc_percent=None if mine is None else one.figure("soc_percent", mine),
        version=one.version,
        in_use=_is_in_use(one),
        session=one.live(mine),
    )


def _is_in_use(one: Standing) -> bool:
    """A ghost is open with us only; the station has long let go of it."""
    return one.status in OCCUPIED or any(session.state != State.GHOST for session in one.sessions)
