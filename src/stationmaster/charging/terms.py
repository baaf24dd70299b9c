"""What does charging here cost right now? Frozen on the session, so that no later price touches it."""

from dataclasses import dataclass
from datetime import datetime

from stationmaster.charging.model import Payer, PayerKind
from stationmaster.identity import people
from stationmaster.infra.db.database import Reader
from stationmaster.stations.model import Station
from stationmaster.tariffs import versions


@dataclass(frozen=True, slots=True)
class Frozen:
    """``has_tariff`` False: nothing can be charged here, and nobody should be let in to find out."""

    currency: str
    fee_bps: int
    has_tariff: bool
    tariff_version_id: str | None = None
    price_minor_per_kwh: int = 0
    tax_bps: int = 0


async def of_start(reader: Reader, station: Station, *, payer: Payer, at: datetime, now: datetime) -> Frozen:
    """For what began at the station, by its clock. One that goes wrong, or cuts off the fractions of its
    seconds, may name a time before there was a price: then today's counts."""
    then = await of_station(reader, station, payer=payer, at=at)
    return then if then.has_tariff else await of_station(reader, station, payer=payer, at=now)


async def of_station(reader: Reader, station: Station, *, payer: Payer, at: datetime) -> Frozen:
    """By the organisation and the tariff in force. Free is free, and what nobody pays has no price."""
    organisation = await people.get_organisation(reader, station.organisation_id)
    version = None
    if station.tariff_id is not None:
        version = await versions.in_force(reader, tariff_id=station.tariff_id, at=at)
    if version is None or payer.kind in {PayerKind.FREE, PayerKind.NOBODY}:
        return Frozen(organisation.currency, organisation.platform_fee_bps, has_tariff=version is not None)
    return Frozen(
        version.currency,
        organisation.platform_fee_bps,
        has_tariff=True,
        tariff_version_id=version.id,
        price_minor_per_kwh=version.price_minor_per_kwh,
        tax_bps=version.tax_bps,
    )
