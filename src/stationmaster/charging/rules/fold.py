"""What do new meter readings make of a running session?

The register's plausible rises add up to the session's energy; what falls, or rises faster than any car can
take, is not counted and is flagged. For display and for limits: the bill is made by trusted_energy at the
end.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from stationmaster.charging.model import ChargingPolicy, MeterReading
from stationmaster.charging.rules.trusted_energy import most_plausible_wh
from stationmaster.tariffs.model import TariffTerms, Usage
from stationmaster.tariffs.rules.price import price

JUMPED = "meter_jumped"
FELL = "meter_fell"


@dataclass(frozen=True, slots=True)
class Running:
    """The part of a session that meter readings move."""

    meter_start_wh: int | None
    meter_last_wh: int | None
    meter_last_at: datetime | None
    energy_wh: int
    power_w: float | None
    soc_percent: float | None
    cost_minor: int


@dataclass(frozen=True, slots=True)
class Folded:
    """``limit``: which one is reached (``amount`` or ``energy``), or None. ``is_near_limit``: the
    warning line was crossed just now."""

    running: Running
    limit: str | None = None
    is_near_limit: bool = False
    suspect: str = ""


def fold(
    running: Running,
    readings: Sequence[MeterReading],
    *,
    terms: TariffTerms,
    ceiling_minor: int | None,
    limit_energy_wh: int | None,
    policy: ChargingPolicy,
) -> Folded:
    """Readings in the order in which they arrived. ``ceiling_minor``: the money set aside, None where
    none limits."""
    now = _Register(running, policy)
    for reading in readings:
        now.take(reading)
    cost = price(terms, Usage(now.energy_wh)).total_minor
    ahead_wh = now.energy_wh + now.margin_wh()
    limit = None
    if limit_energy_wh is not None and ahead_wh >= limit_energy_wh:
        limit = "energy"
    if ceiling_minor is not None and price(terms, Usage(ahead_wh)).total_minor >= ceiling_minor:
        limit = "amount"
    return Folded(
        Running(
            now.meter_start_wh,
            now.last_wh,
            now.last_at,
            now.energy_wh,
            now.power_w,
            now.soc_percent,
            cost,
        ),
        limit=limit,
        is_near_limit=_crossed(running.cost_minor, cost, ceiling_minor, policy.warn_percent),
        suspect=now.suspect,
    )


def _crossed(before_minor: int, after_minor: int, ceiling_minor: int | None, percent: int) -> bool:
    if ceiling_minor is None:
        return False
    line = ceiling_minor * percent
    return before_minor * 100 < line <= after_minor * 100


class _Register:
    """A session's meter while readings are folded into it."""

    __slots__ = (
        "energy_wh",
        "interval_s",
        "last_at",
        "last_wh",
        "meter_start_wh",
        "policy",
        "power_w",
        "soc_percent",
        "suspect",
    )

    def __init__(self, running: Running, policy: ChargingPolicy):
        self.policy = policy
        self.meter_start_wh = running.meter_start_wh
        self.last_wh = running.meter_start_wh if running.meter_last_wh is None else running.meter_last_wh
        self.last_at = running.meter_last_at
        self.energy_wh = running.energy_wh
        self.power_w = running.power_w
        self.soc_percent = running.soc_percent
        self.interval_s: float = policy.default_meter_interval_s
        self.suspect = ""

    def take(self, reading: MeterReading) -> None:
        is_older = self.last_at is not None and reading.at < self.last_at
        if not is_older:
            self.power_w = self.power_w if reading.power_w is None else reading.power_w
            self.soc_percent = self.soc_percent if reading.soc_percent is None else reading.soc_percent
        if reading.energy_wh is None:
            return
        # An older time and no higher register: a reading that arrived late. An older time and a higher
        # register: the station's clock was set back.
        if is_older and self.last_wh is not None and reading.energy_wh <= self.last_wh:
            return
        self._step(reading.energy_wh, reading.at)

    def _step(self, energy_wh: int, at: datetime) -> None:
        seconds = self._seconds_until(at)
        if self.last_wh is None:
            self.meter_start_wh = energy_wh
        elif energy_wh < self.last_wh:
            self.suspect = FELL
        elif energy_wh - self.last_wh > most_plausible_wh(
            power_w_max=self.policy.fold_power_max_w, duration_s=seconds
        ):
            self.suspect = JUMPED
        else:
            self.energy_wh += energy_wh - self.last_wh
        self.last_wh, self.last_at = energy_wh, at
        if 0 < seconds <= self.policy.max_meter_interval_s:
            self.interval_s = seconds

    def _seconds_until(self, at: datetime) -> float:
        if self.last_at is None:
            return float(self.policy.max_meter_interval_s)
        seconds = (at - self.last_at).total_seconds()
        return seconds if seconds >= 0 else float(self.policy.max_meter_interval_s)

    def margin_wh(self) -> int:
        """What will have flowed before the next reading could stop it: one interval at the current power."""
        power = self.power_w or 0.0
        return int(max(power, 0.0) * self.interval_s / 3600)
