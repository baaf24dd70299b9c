"""Which charging stations are ours? Registered, changed, archived; never deleted."""

from datetime import datetime
from typing import Any

from sqlalchemy import or_, select, update

from stationmaster.identity import people
from stationmaster.infra.db.among import among
from stationmaster.infra.db.database import Reader, UnitOfWork
from stationmaster.infra.db.values import columns_of, value_of
from stationmaster.kernel.errors import NotFound, Refused
from stationmaster.kernel.ids import IdSource
from stationmaster.stations import credentials
from stationmaster.stations.model import Connector, Station
from stationmaster.stations.rules.identity import check_identity
from stationmaster.stations.tables import connector, station

_STATION = columns_of(Station, station)
_CONNECTOR = columns_of(Connector, connector)

CHANGEABLE = frozenset({"name", "site", "timezone", "tariff_id", "max_power_w", "capture_until"})


async def create(
    uow: UnitOfWork,
    *,
    station_id: str,
    organisation_id: str,
    name: str = "",
    site: str = "",
    timezone: str = "Asia/Kolkata",
    security_profile: int = 1,
    connector_count: int = 1,
    max_power_w: int = 22_000,
    tariff_id: str | None = None,
    password: str | None = None,
    pepper: bytes | str = b"",
    now: datetime,
    ids: IdSource,
) -> tuple[Station, str | None]:
    """The station and its password, which nobody can read again. A given password (import, demo) is kept."""
    check_identity(station_id)
    await people.get_organisation(uow, organisation_id)
    if await find(uow, station_id) is not None:
        raise Refused("station_exists", f"Charging station {station_id!r} is registered already.")
    secret = password or credentials.password_for(security_profile, ids=ids)
    row: dict[str, Any] = {
        "station_id": station_id,
        "charger_id": ids.new("chg"),
        "organisation_id": organisation_id,
        "name": name or station_id,
        "site": site,
        "timezone": timezone,
        "security_profile": security_profile,
        "key_digest": credentials.digest_of(secret, pepper=pepper) if secret else None,
        "connector_count": connector_count,
        "max_power_w": max_power_w,
        "tariff_id": tariff_id,
        "created_at": now,
    }
    await uow.bulk_insert(station, [row])
    await uow.bulk_insert(
        connector, [{"station_id": station_id, "connector_id": n} for n in range(connector_count + 1)]
    )
    return await get(uow, station_id), secret


async def find(reader: Reader, station_id: str) -> Station | None:
    """By the OCPP identity, archived ones too."""
    row = (await reader.execute(select(*_STATION).where(station.c.station_id == station_id))).first()
    return None if row is None else value_of(Station, row)


async def get(reader: Reader, station_id: str, *, organisation_id: str | None = None) -> Station:
    """Raises NotFound, also for another organisation's station. ``organisation_id`` None sees all."""
    found = await find(reader, station_id)
    if found is None or organisation_id not in {None, found.organisation_id}:
        raise NotFound("unknown_station", f"There is no charging station {station_id!r}.")
    return found


async def list_stations(
    reader: Reader,
    *,
    organisation_id: str | None,
    search: str = "",
    after: str | None = None,
    limit: int = 50,
    with_archived: bool = False,
) -> list[Station]:
    """By identity, ascending."""
    query = select(*_STATION).order_by(station.c.station_id).limit(limit)
    if organisation_id is not None:
        query = query.where(station.c.organisation_id == organisation_id)
    if not with_archived:
        query = query.where(station.c.archived_at.is_(None))
    if after is not None:
        query = query.where(station.c.station_id > after)
    if search:
        query = query.where(
            or_(
                *(
                    column.icontains(search, autoescape=True)
                    for column in (station.c.station_id, station.c.name, station.c.site)
                )
            )
        )
    return [value_of(Station, row) for row in (await reader.execute(query)).all()]


async def change(uow: UnitOfWork, station_id: str, **values: Any) -> Station:
    """Set some of the changeable columns."""
    assert values.keys() <= CHANGEABLE, values.keys() - CHANGEABLE
    if values:
        await uow.execute(
            update(station)
            .where(station.c.station_id == station_id)
            .values(**values, version=station.c.version + 1)
        )
    return await get(uow, station_id)


async def archive(uow: UnitOfWork, *, station_id: str, now: datetime) -> Station:
    """It may not connect any more; its history and money stay. Archiving twice keeps the first time."""
    await uow.execute(
        update(station)
        .where(station.c.station_id == station_id, station.c.archived_at.is_(None))
        .values(archived_at=now, version=station.c.version + 1)
    )
    return await get(uow, station_id)


async def connectors(reader: Reader, station_id: str) -> list[Connector]:
    """The station's own row (connector 0) first."""
    rows = await reader.execute(
        select(*_CONNECTOR).where(connector.c.station_id == station_id).order_by(connector.c.connector_id)
    )
    return [value_of(Connector, row) for row in rows.all()]


async def organisations_of(reader: Reader, station_ids: set[str]) -> dict[str, str]:
    """Whose stations these are."""
    rows = await reader.execute(
        select(station.c.station_id, station.c.organisation_id).where(
            among(station.c.station_id, sorted(station_ids))
        )
    )
    return {row.station_id: row.organisation_id for row in rows.all()}
