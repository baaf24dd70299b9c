"""Charging stations over HTTP: the registry, connectors, refused handshakes."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any
from zoneinfo import available_timezones

from fastapi import APIRouter, Depends
from pydantic import AfterValidator, Field, model_validator

from stationmaster.identity import access
from stationmaster.infra.db.database import Reader
from stationmaster.infra.http import pagination
from stationmaster.infra.http.context import Context, get
from stationmaster.infra.http.wire import Body, Wire, WireTime, Words
from stationmaster.kernel.errors import Invalid
from stationmaster.stations import credentials, directory, registry
from stationmaster.stations.rules.identity import LENGTH_MAX

router = APIRouter(tags=["stations"])

Ctx = Annotated[Context, Depends(get)]

CONNECTORS_MAX = 64


def _known_zone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError("no time zone of the IANA's")
    return name


Zone = Annotated[str, Field(max_length=64), AfterValidator(_known_zone)]
TariffExists = Callable[[Reader, str, str], Awaitable[bool]]


class StationOut(Wire):
    station_id: str
    charger_id: str
    organisation_id: str
    name: str
    site: str
    timezone: str
    security_profile: int
    vendor: str
    model: str
    serial_number: str
    firmware_version: str
    connector_count: int
    max_power_w: int
    tariff_id: str | None
    is_online: bool
    connected_at: WireTime | None
    disconnected_at: WireTime | None
    last_seen_at: WireTime | None
    last_boot_at: WireTime | None
    boot_reason: str
    archived_at: WireTime | None
    version: int
    created_at: WireTime


class StationList(Wire):
    items: list[StationOut]
    next_cursor: str | None = None


class NewStation(Body):
    station_id: str = Field(min_length=1, max_length=LENGTH_MAX)
    name: str = Field(default="", max_length=100)
    site: str = Field(default="", max_length=100)
    timezone: Zone = "Asia/Kolkata"
    security_profile: int = Field(default=1, ge=0, le=3)
    connector_count: int = Field(default=1, ge=0, le=CONNECTORS_MAX)
    max_power_w: int = Field(default=22_000, gt=0, le=2_000_000)
    tariff_id: str | None = None
    organisation_id: str | None = None


class CreatedStation(Wire):
    """``password`` is shown here and never again; null for a station without one."""

    station: StationOut
    password: str | None


class NewPassword(Wire):
    password: str


class StationChange(Body):
    """What is not named stays as it is. Only a tariff can be taken away."""

    name: str | None = Field(default=None, max_length=100)
    site: str | None = Field(default=None, max_length=100)
    timezone: Zone | None = None
    max_power_w: int | None = Field(default=None, gt=0, le=2_000_000)
    tariff_id: str | None = None

    @model_validator(mode="after")
    def _takes_nothing_away(self) -> "StationChange":
        given: dict[str, Any] = self.model_dump(exclude_unset=True, exclude={"tariff_id"})
        if empty := [name for name, value in given.items() if value is None]:
            raise ValueError(f"cannot be null: {', '.join(empty)}")
        return self


class ConnectorOut(Wire):
    connector_id: int
    status: str
    error_code: str
    info: str
    vendor_error_code: str
    status_at: WireTime | None
    version: int


class ConnectorList(Wire):
    items: list[ConnectorOut]
    next_cursor: str | None = None


class RefusalOut(Wire):
    station_id: str
    remote_address: str
    reason: str
    detail: str
    gateway_id: str
    count: int
    at: WireTime


class RefusalList(Wire):
    items: list[RefusalOut]
    next_cursor: str | None = None


@router.get("/api/cms/stations")
async def list_stations(
    ctx: Ctx,
    who: access.Operator,
    search: Words = "",
    cursor: pagination.Cursor = None,
    limit: pagination.Limit = 50,
) -> StationList:
    after = pagination.place(cursor, str)
    async with ctx.database.reading() as reader:
        found = await registry.list_stations(
            reader,
            organisation_id=who.organisation_id,
            search=search,
            after=after[0] if after else None,
            limit=limit + 1,
        )
    more = pagination.encode([found[limit - 1].station_id]) if len(found) > limit else None
    return StationList(items=[StationOut.model_validate(one) for one in found[:limit]], next_cursor=more)


@router.post("/api/cms/stations", status_code=201)
async def create_station(body: NewStation, ctx: Ctx, who: access.Operator) -> CreatedStation:
    """Register a station. Its password is in this answer only."""
    organisation_id = access.organisation_for(who, body.organisation_id)
    async with ctx.database.transaction() as uow:
        await _check_tariff(ctx, uow, body.tariff_id, organisation_id)
        made, password = await registry.create(
            uow,
            **body.model_dump(exclude={"organisation_id"}),
            organisation_id=organisation_id,
            pepper=_pepper(ctx),
            now=ctx.runtime.clock.now(),
            ids=ctx.runtime.ids,
        )
    return CreatedStation(station=StationOut.model_validate(made), password=password)


# Before the routes with a station's name in the path: "refused" is no station here.
@router.get("/api/cms/stations/refused")
async def list_refused(ctx: Ctx, who: access.PlatformOperator, limit: pagination.Limit = 100) -> RefusalList:
    """Who was turned away and why, newest first. Strangers belong to no organisation."""
    del who
    async with ctx.database.reading() as reader:
        found = await directory.recently_refused(reader, limit=limit)
    return RefusalList(items=[RefusalOut.model_validate(one) for one in found])


@router.get("/api/cms/stations/{station_id}")
async def get_station(station_id: Words, ctx: Ctx, who: access.Operator) -> StationOut:
    async with ctx.database.reading() as reader:
        found = await registry.get(reader, station_id, organisation_id=who.organisation_id)
    return StationOut.model_validate(found)


@router.patch("/api/cms/stations/{station_id}")
async def change_station(
    station_id: Words, body: StationChange, ctx: Ctx, who: access.Operator
) -> StationOut:
    async with ctx.database.transaction() as uow:
        found = await registry.get(uow, station_id, organisation_id=who.organisation_id)
        await _check_tariff(ctx, uow, body.tariff_id, found.organisation_id)
        changed = await registry.change(uow, station_id, **body.model_dump(exclude_unset=True))
    return StationOut.model_validate(changed)


@router.post("/api/cms/stations/{station_id}/archive")
async def archive_station(station_id: Words, ctx: Ctx, who: access.Operator) -> StationOut:
    """It may not connect any more. Nothing of its history is deleted."""
    async with ctx.database.transaction() as uow:
        await registry.get(uow, station_id, organisation_id=who.organisation_id)
        archived = await registry.archive(uow, station_id=station_id, now=ctx.runtime.clock.now())
    return StationOut.model_validate(archived)


@router.post("/api/cms/stations/{station_id}/password")
async def new_password(station_id: Words, ctx: Ctx, who: access.Operator) -> NewPassword:
    """A new password for the station, shown in this answer only; the old one is dead."""
    async with ctx.database.transaction() as uow:
        await registry.get(uow, station_id, organisation_id=who.organisation_id)
        password = await credentials.rotate(
            uow, station_id=station_id, pepper=_pepper(ctx), ids=ctx.runtime.ids
        )
    return NewPassword(password=password)


@router.get("/api/cms/stations/{station_id}/connectors")
async def list_connectors(station_id: Words, ctx: Ctx, who: access.Operator) -> ConnectorList:
    """Connector 0 is the station itself."""
    async with ctx.database.reading() as reader:
        await registry.get(reader, station_id, organisation_id=who.organisation_id)
        found = await registry.connectors(reader, station_id)
    return ConnectorList(items=[ConnectorOut.model_validate(one) for one in found])


async def _check_tariff(ctx: Context, reader: Reader, tariff_id: str | None, organisation_id: str) -> None:
    """A station sells by its organisation's own prices. The tariffs are a room beside this one, so compose
    hands the question over."""
    exists: TariffExists | None = ctx.options.get("tariff_exists")
    if tariff_id is None or (exists is not None and await exists(reader, tariff_id, organisation_id)):
        return
    raise Invalid("unknown_tariff", "The organisation has no such tariff.", hint="tariffId")


def _pepper(ctx: Context) -> bytes | str:
    pepper = ctx.options.get("station_pepper", b"")
    assert isinstance(pepper, bytes | str)
    return pepper
