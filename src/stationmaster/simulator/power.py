"""How much power does a car take, and what does the meter show?"""

import random
from dataclasses import dataclass, field

SOC_FULL = 100.0
TAPER_FROM = 80.0
TAPER_TO = 0.05
STEP_S = 0.5


@dataclass(slots=True)
class Meter:
    """The connector's lifetime register. Only grows."""

    register_wh: float = 0.0

    @property
    def shown_wh(self) -> int:
        """What the register displays: whole watt-hours."""
        return int(self.register_wh)


@dataclass(slots=True)
class Battery:
    """The car at the plug."""

    capacity_wh: float
    stored_wh: float

    @property
    def soc_percent(self) -> float:
        return min(SOC_FULL, 100.0 * self.stored_wh / self.capacity_wh)

    @property
    def is_full(self) -> bool:
        return self.stored_wh >= self.capacity_wh


def some_battery(rng: random.Random) -> Battery:
    """A car as they come: 38 to 82 kWh, arriving with 12 to 55 percent."""
    capacity = rng.uniform(38_000, 82_000)
    return Battery(capacity, capacity * rng.uniform(0.12, 0.55))


@dataclass(slots=True)
class PowerCurve:
    """Ramps up, holds what station and car allow, tapers above 80 percent, and trembles a little."""

    rated_w: float
    ramp_s: float
    rng: random.Random
    share: float = field(init=False)  # what this car takes of the rated power
    power_w: float = field(init=False, default=0.0)

    def __post_init__(self) -> None:
        self.share = self.rng.uniform(0.72, 0.98)

    def at(self, elapsed_s: float, soc_percent: float) -> float:
        """Watts so long after the start."""
        if soc_percent >= SOC_FULL:
            return 0.0
        ramp = min(1.0, elapsed_s / self.ramp_s) if self.ramp_s > 0 else 1.0
        fullness = max(0.0, (soc_percent - TAPER_FROM) / (SOC_FULL - TAPER_FROM))
        taper = 1.0 - (1.0 - TAPER_TO) * fullness
        return self.rated_w * self.share * ramp * taper * self.rng.uniform(0.97, 1.03)


@dataclass(slots=True)
class Flow:
    """Energy flowing through one connector from ``started`` (monotonic seconds) on."""

    meter: Meter
    battery: Battery
    curve: PowerCurve
    started: float
    advanced_to: float = field(init=False)
    power_w: float = field(init=False, default=0.0)

    def __post_init__(self) -> None:
        self.advanced_to = self.started

    def advance(self, now: float) -> None:
        """Let the energy since the last call flow, in short steps."""
        while self.advanced_to < now:
            step = min(STEP_S, now - self.advanced_to)
            self.advanced_to += step
            self.power_w = self.curve.at(self.advanced_to - self.started, self.battery.soc_percent)
            energy_wh = min(
                self.power_w * step / 3600, max(0.0, self.battery.capacity_wh - self.battery.stored_wh)
            )
            self.meter.register_wh += energy_wh
            self.battery.stored_wh += energy_wh
        if self.battery.is_full:
            self.power_w = 0.0
