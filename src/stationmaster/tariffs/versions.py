"""Which price is in force? A new price is a new version from a date; none is ever changed."""

from datetime import datetime

from sqlalchemy import func, select

from stationmaster.identity import people
from stationmaster.infra.db.database import Reader, UnitOfWork
from stationmaster.infra.db.values import columns_of, row_of, value_of
from stationmaster.kernel.errors import Invalid, NotFound
from stationmaster.kernel.ids import IdSource
from stationmaster.kernel.money import BPS
from stationmaster.tariffs.model import Tariff, TariffVersion
from stationmaster.tariffs.tables import tariff, tariff_version

PRICE_MAX_MINOR_PER_KWH = 10**8
"""A slip of the keyboard, not a price."""

_TARIFF = columns_of(Tariff, tariff)
_VERSION = columns_of(TariffVersion, tariff_version)


async def create(
    uow: UnitOfWork,
    *,
    organisation_id: str,
    name: str,
    price_minor_per_kwh: int,
    tax_bps: int = 0,
    currency: str = "",
    valid_from: datetime | None = None,
    actor: str = "",
    now: datetime,
    ids: IdSource,
) -> tuple[Tariff, TariffVersion]:
    """A tariff with its first version; ``currency`` "" is the organisation's."""
    await people.get_organisation(uow, organisation_id)
    made = Tariff(ids.new("tariff"), organisation_id, name, now)
    await uow.bulk_insert(tariff, [row_of(made)])
    version = await add_version(
        uow,
        tariff_id=made.id,
        price_minor_per_kwh=price_minor_per_kwh,
        tax_bps=tax_bps,
        currency=currency,
        valid_from=valid_from or now,
        actor=actor,
        now=now,
        ids=ids,
    )
    return made, version


async def add_version(
    uow: UnitOfWork,
    *,
    tariff_id: str,
    price_minor_per_kwh: int,
    tax_bps: int = 0,
    currency: str = "",
    valid_from: datetime,
    actor: str = "",
    now: datetime,
    ids: IdSource,
) -> TariffVersion:
    """A new price from a date that is not in the past: what was charged was charged by the price of its
    time. ``currency`` "" is the organisation's, and no other one can be booked."""
    _check_terms(price_minor_per_kwh, tax_bps)
    if valid_from < now:
        raise Invalid("valid_in_the_past", "A price can begin now or later.")
    await uow.execute(uow.locked(select(tariff.c.id).where(tariff.c.id == tariff_id)))
    owner = await people.get_organisation(uow, (await get(uow, tariff_id)).organisation_id)
    if currency not in {"", owner.currency}:
        raise Invalid(
            "currency_mismatch", f"The organisation's prices are in {owner.currency}.", hint="currency"
        )
    newest = await uow.execute(
        select(func.coalesce(func.max(tariff_version.c.version), 0)).where(
            tariff_version.c.tariff_id == tariff_id
        )
    )
    made = TariffVersion(
        id=ids.new("price"),
        tariff_id=tariff_id,
        version=int(newest.scalar()) + 1,
        currency=owner.currency,
        price_minor_per_kwh=price_minor_per_kwh,
        tax_bps=tax_bps,
        valid_from=valid_from,
        created_at=now,
        created_by=actor,
    )
    await uow.bulk_insert(tariff_version, [row_of(made)])
    return made


def _check_terms(price_minor_per_kwh: int, tax_bps: int) -> None:
    if not 0 <= price_minor_per_kwh <= PRICE_MAX_MINOR_PER_KWH:
        raise Invalid("bad_price", "A price per kWh is not negative, and of this world.")
    if not 0 <= tax_bps <= BPS:
        raise Invalid("bad_tax", f"Tax is given in basis points, 0 to {BPS}.")


async def in_force(reader: Reader, *, tariff_id: str | None, at: datetime) -> TariffVersion | None:
    """The newest version that had begun by then. None: no tariff, or none of its versions had begun."""
    if tariff_id is None:
        return None
    row = (
        await reader.execute(
            select(*_VERSION)
            .where(tariff_version.c.tariff_id == tariff_id, tariff_version.c.valid_from <= at)
            .order_by(tariff_version.c.valid_from.desc(), tariff_version.c.version.desc())
            .limit(1)
        )
    ).first()
    return None if row is None else value_of(TariffVersion, row)


async def get(reader: Reader, tariff_id: str, *, organisation_id: str | None = None) -> Tariff:
    """Raises NotFound, also for another organisation's tariff."""
    row = (await reader.execute(select(*_TARIFF).where(tariff.c.id == tariff_id))).first()
    if row is None or organisation_id not in {None, row.organisation_id}:
        raise NotFound("unknown_tariff", f"There is no tariff {tariff_id!r}.")
    return value_of(Tariff, row)


async def exists(reader: Reader, tariff_id: str, organisation_id: str) -> bool:
    """Whether it is a tariff of this organisation."""
    here = (tariff.c.id == tariff_id, tariff.c.organisation_id == organisation_id)
    return (await reader.execute(select(tariff.c.id).where(*here))).first() is not None


async def list_tariffs(
    reader: Reader, *, organisation_id: str | None = None
) -> list[tuple[Tariff, list[TariffVersion]]]:
    """By name, each with its versions, newest first."""
    query = select(*_TARIFF).order_by(tariff.c.name, tariff.c.id)
    if organisation_id is not None:
        query = query.where(tariff.c.organisation_id == organisation_id)
    tariffs = [value_of(Tariff, row) for row in (await reader.execute(query)).all()]
    rows = await reader.execute(
        select(*_VERSION)
        .where(tariff_version.c.tariff_id.in_([one.id for one in tariffs]))
        .order_by(tariff_version.c.version.desc())
    )
    versions = [value_of(TariffVersion, row) for row in rows.all()]
    return [(one, [v for v in versions if v.tariff_id == one.id]) for one in tariffs]
