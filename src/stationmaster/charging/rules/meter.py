"""What do a station's sampled values say about energy, power and state of charge?

OCPP 1.6, 7.43: a value without a measurand is Energy.Active.Import.Register in Wh; units, phases and
contexts vary by make. Anything that is not one of our three quantities is kept in the store as sent, and
ignored here.
"""

import math
from collections.abc import Iterable, Sequence
from datetime import datetime

from stationmaster.charging.model import MeterReading, SampledValue
from stationmaster.kernel.energy import wh_of

ENERGY = "Energy.Active.Import.Register"
POWER = "Power.Active.Import"
SOC = "SoC"
POWER_W_MAX = 10_000_000.0
_CONTEXT_ORDER = ("Transaction.End", "Transaction.Begin")


def read(samples: Sequence[SampledValue], *, at: datetime) -> MeterReading:
    """One MeterValue as one reading."""
    usable = [s for s in samples if s.format != "SignedData"]  # Opaque: kept, never interpreted.
    return MeterReading(
        at=at,
        energy_wh=_energy_wh(s for s in usable if s.measurand == ENERGY),
        power_w=_power_w([s for s in usable if s.measurand == POWER]),
        soc_percent=_soc([s for s in usable if s.measurand == SOC]),
        context=_context(samples),
    )


def _context(samples: Sequence[SampledValue]) -> str:
    """The begin and the end of a transaction are what matters; else the first sample's."""
    said = [s.context for s in samples]
    return next((c for c in _CONTEXT_ORDER if c in said), said[0] if said else "Sample.Periodic")


def _energy_wh(samples: Iterable[SampledValue]) -> int | None:
    """The total where the station gives one, else the sum over its phases."""
    phases: dict[str, int] = {}
    for sample in samples:
        energy = wh_of(sample.value, unit=sample.unit)
        if energy is None:
            continue
        if not sample.phase:
            return energy
        phases.setdefault(sample.phase, energy)
    return sum(phases.values()) if phases else None


def _power_w(samples: Sequence[SampledValue]) -> float | None:
    phases: dict[str, float] = {}
    for sample in samples:
        power = _number(sample.value)
        if power is None:
            continue
        power *= 1000 if sample.unit == "kW" else 1
        if abs(power) > POWER_W_MAX:
            continue
        if not sample.phase:
            return power
        phases.setdefault(sample.phase, power)
    return math.fsum(phases.values()) if phases else None


def _soc(samples: Sequence[SampledValue]) -> float | None:
    for sample in samples:
        percent = _number(sample.value)
        if percent is not None and 0 <= percent <= 100:
            return percent
    return None


def _number(value: str | float) -> float | None:
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None
