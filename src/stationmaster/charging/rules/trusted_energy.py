"""How much energy did a transaction deliver, for money? (reliability 5.4)

Registers reset, jump, roll over and mix units. We bill the register's difference when it is plausible, else
the best evidence there is, flagged; never a negative or an implausible amount.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from stationmaster.charging.model import MeterReading

TOLERANCE_PERCENT = 115
SLACK_WH = 500
"""Registers tick in steps and clocks drift: a short charge may look faster than the station's rating."""


@dataclass(frozen=True, slots=True)
class TrustedEnergy:
    """``source`` names the evidence; anything but `registers` is suspect and worth a person's look."""

    energy_wh: int
    source: str

    @property
    def is_suspect(self) -> bool:
        return self.source != "registers"


def most_plausible_wh(*, power_w_max: int, duration_s: float) -> int:
    """More than this cannot have gone through in that time."""
    return int(power_w_max * max(duration_s, 0.0) * TOLERANCE_PERCENT / 100 / 3600) + SLACK_WH


def trusted_energy(
    *,
    meter_start_wh: int | None,
    meter_stop_wh: int | None,
    readings: Sequence[MeterReading],
    last_trusted_wh: int,
    duration_s: float,
    power_w_max: int,
) -> TrustedEnergy:
    """The first evidence that is plausible, best first."""
    bound = most_plausible_wh(power_w_max=power_w_max, duration_s=duration_s)
    evidence = (
        ("registers", _difference(meter_start_wh, meter_stop_wh)),
        ("transaction_samples", _between_marks(readings)),
        ("monotone_samples", _positive_steps(readings, power_w_max=power_w_max)),
        ("last_trusted", last_trusted_wh if last_trusted_wh > 0 else None),
    )
    for source, energy in evidence:
        if energy is not None and 0 <= energy <= bound:
            return TrustedEnergy(energy, source)
    return TrustedEnergy(0, "nothing")


def _difference(start: int | None, stop: int | None) -> int | None:
    return None if start is None or stop is None else stop - start


def _between_marks(readings: Sequence[MeterReading]) -> int | None:
    """From the sample marked Transaction.Begin to the one marked Transaction.End."""
    begin = next(_energies(r for r in readings if r.context == "Transaction.Begin"), None)
    end = next(_energies(r for r in reversed(readings) if r.context == "Transaction.End"), None)
    return _difference(begin, end)


def _positive_steps(readings: Sequence[MeterReading], *, power_w_max: int) -> int | None:
    """The sum over the stretches in which the register rose plausibly; a fall or a jump begins a new one."""
    told = sorted((r for r in readings if r.energy_wh is not None), key=lambda r: r.at)
    if len(told) < 2:
        return None
    total = 0
    for before, after in pairwise(told):
        assert before.energy_wh is not None
        assert after.energy_wh is not None
        step = after.energy_wh - before.energy_wh
        seconds = (after.at - before.at).total_seconds()
        if 0 < step <= most_plausible_wh(power_w_max=power_w_max, duration_s=seconds):
            total += step
    return total


def _energies(readings: Iterable[MeterReading]) -> Iterator[int]:
    for reading in readings:
        if reading.energy_wh is not None:
            yield reading.energy_wh
