"""What a tariff, its versions and a price are: frozen values, no I/O."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Tariff:
    """A name for prices; what they are is in its versions."""

    id: str
    organisation_id: str
    name: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class TariffTerms:
    """What a charge is priced by. Prices are net; tax comes on top."""

    price_minor_per_kwh: int
    tax_bps: int
    currency: str


@dataclass(frozen=True, slots=True)
class TariffVersion:
    """Terms from a date on. Never changes: sessions keep what they started with."""

    id: str
    tariff_id: str
    version: int
    currency: str
    price_minor_per_kwh: int
    tax_bps: int
    valid_from: datetime
    created_at: datetime
    created_by: str

    @property
    def terms(self) -> TariffTerms:
        return TariffTerms(self.price_minor_per_kwh, self.tax_bps, self.currency)


@dataclass(frozen=True, slots=True)
class Usage:
    """What was consumed."""

    energy_wh: int


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a receipt."""

    kind: str
    quantity: int
    unit: str
    price_minor: int
    amount_minor: int


@dataclass(frozen=True, slots=True)
class Priced:
    """What it costs."""

    lines: tuple[Line, ...]
    net_minor: int
    tax_minor: int
    total_minor: int
    currency: str
