"""Prices over HTTP: what operators see and set."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import Field

from stationmaster.identity import access
from stationmaster.infra.http.context import Context, get
from stationmaster.infra.http.wire import Body, Wire, WireTime, Words
from stationmaster.kernel.money import BPS
from stationmaster.tariffs import versions
from stationmaster.tariffs.model import Tariff, TariffVersion
from stationmaster.tariffs.versions import PRICE_MAX_MINOR_PER_KWH

router = APIRouter(tags=["tariffs"])

Ctx = Annotated[Context, Depends(get)]


class VersionOut(Wire):
    id: str
    version: int
    currency: str
    price_minor_per_kwh: int
    tax_bps: int
    valid_from: WireTime
    created_at: WireTime
    created_by: str


class TariffOut(Wire):
    id: str
    organisation_id: str
    name: str
    versions: list[VersionOut]


class TariffList(Wire):
    items: list[TariffOut]
    next_cursor: str | None = None


class NewVersion(Body):
    price_minor_per_kwh: int = Field(ge=0, le=PRICE_MAX_MINOR_PER_KWH)
    tax_bps: int = Field(default=0, ge=0, le=BPS)
    currency: str = Field(default="", pattern="^([A-Z]{3})?$")
    valid_from: datetime | None = None


class NewTariff(NewVersion):
    name: str = Field(min_length=1, max_length=100)
    organisation_id: str | None = None


def _out(tariff: Tariff, known: list[TariffVersion]) -> TariffOut:
    return TariffOut(
        id=tariff.id,
        organisation_id=tariff.organisation_id,
        name=tariff.name,
        versions=[VersionOut.model_validate(version) for version in known],
    )


@router.get("/api/cms/tariffs")
async def list_tariffs(ctx: Ctx, who: access.Operator) -> TariffList:
    """The organisation's tariffs with all their versions."""
    async with ctx.database.reading() as reader:
        found = await versions.list_tariffs(reader, organisation_id=who.organisation_id)
    return TariffList(items=[_out(tariff, known) for tariff, known in found])


@router.post("/api/cms/tariffs", status_code=201)
async def create_tariff(body: NewTariff, ctx: Ctx, who: access.Operator) -> TariffOut:
    """A tariff and its first price."""
    async with ctx.database.transaction() as uow:
        tariff, version = await versions.create(
            uow,
            organisation_id=access.organisation_for(who, body.organisation_id),
            name=body.name,
            price_minor_per_kwh=body.price_minor_per_kwh,
            tax_bps=body.tax_bps,
            currency=body.currency,
            valid_from=access.aware(body.valid_from),
            actor=who.actor,
            now=ctx.runtime.clock.now(),
            ids=ctx.runtime.ids,
        )
    return _out(tariff, [version])


@router.post("/api/cms/tariffs/{tariff_id}/versions", status_code=201)
async def add_version(tariff_id: Words, body: NewVersion, ctx: Ctx, who: access.Operator) -> VersionOut:
    """A new price from a date; running sessions keep theirs."""
    now = ctx.runtime.clock.now()
    async with ctx.database.transaction() as uow:
        tariff = await versions.get(uow, tariff_id, organisation_id=who.organisation_id)
        version = await versions.add_version(
            uow,
            tariff_id=tariff.id,
            price_minor_per_kwh=body.price_minor_per_kwh,
            tax_bps=body.tax_bps,
            currency=body.currency,
            valid_from=access.aware(body.valid_from) or now,
            actor=who.actor,
            now=now,
            ids=ctx.runtime.ids,
        )
    return VersionOut.model_validate(version)
