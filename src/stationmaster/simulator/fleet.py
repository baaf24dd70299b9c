"""How do many stations live in one process?"""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from stationmaster.infra.runtime import Runtime
from stationmaster.simulator import screen
from stationmaster.simulator.charger import Charger
from stationmaster.simulator.journal import Journal
from stationmaster.simulator.spec import Pace, StationSpec

CONNECT_SPREAD_S = 0.005
"""Between the first connects of two stations: 200 stations are there within a second."""

KEPT_BY_RUN = 2000

__all__ = ["Fleet", "FleetStats", "Pace", "StationSpec", "run"]


@dataclass(frozen=True, slots=True)
class FleetStats:
    """Summed over the fleet, right now."""

    stations: int
    connected: int
    charging: int
    frames_in: int
    frames_out: int
    errors: int
    cannot_connect: int
    lost: int
    queued: int  # transaction messages that wait for their answer
    power_w: float


class Fleet:
    """Stations by id, sharing one journal. ``seed`` makes batteries and curves repeatable."""

    def __init__(
        self,
        url: str,
        specs: Sequence[StationSpec],
        *,
        runtime: Runtime | None = None,
        pace: Pace | None = None,
        journal: Journal | None = None,
        seed: int | None = None,
    ):
        self.runtime, self.journal = runtime or Runtime(), journal or Journal()
        self.url, self.pace = url, pace or Pace()
        self._seeds = random.Random(seed if seed is not None else int(self.runtime.ids.random() * 2**53))  # noqa: S311
        self.chargers: dict[str, Charger] = {}
        for spec in specs:
            self._build(spec)

    def _build(self, spec: StationSpec) -> Charger:
        charger = Charger(
            spec,
            url=self.url,
            runtime=self.runtime,
            pace=self.pace,
            journal=self.journal,
            seed=self._seeds.getrandbits(53),
        )
        self.chargers[spec.station_id] = charger
        return charger

    async def start(self) -> None:
        """Let all stations begin, a little spread out. Returns when the last one has begun to connect."""
        for charger in self.chargers.values():
            charger.start()
            await self.runtime.sleep(CONNECT_SPREAD_S)

    async def stop(self) -> None:
        """Disconnect all."""
        for charger in self.chargers.values():
            await charger.stop()
        self.journal.close()

    def add(self, spec: StationSpec) -> Charger:
        """One more station, at once."""
        charger = self._build(spec)
        charger.start()
        return charger

    @property
    def stats(self) -> FleetStats:
        chargers = list(self.chargers.values())
        stats = [charger.stats for charger in chargers]
        busy = [connector for charger in chargers for connector in charger.charging]
        return FleetStats(
            stations=len(chargers),
            connected=sum(charger.is_ready for charger in chargers),
            charging=len(busy),
            frames_in=sum(s.frames_in for s in stats),
            frames_out=sum(s.frames_out for s in stats),
            errors=sum(s.errors for s in stats),
            cannot_connect=sum(s.cannot_connect for s in stats),
            lost=sum(s.lost for s in stats),
            queued=sum(len(charger.talk.queue) for charger in chargers),
            power_w=sum(c.flow.power_w for c in busy if c.flow is not None),
        )


async def run(
    url: str,
    stations: Sequence[StationSpec],
    *,
    runtime: Runtime | None = None,
    pace: Pace | None = None,
    seed: int | None = None,
    journal_path: Path | None = None,
    for_s: float | None = None,
    show: bool = True,
) -> FleetStats:
    """Simulate until cancelled (or for so long), with a live terminal view when ``show``."""
    journal = Journal(journal_path, keep=KEPT_BY_RUN)
    fleet = Fleet(url, stations, runtime=runtime, pace=pace, journal=journal, seed=seed)
    stats = fleet.stats
    try:
        await fleet.start()
        await screen.watch(fleet, for_s=for_s, show=show)
    finally:
        stats = replace(fleet.stats)
        await fleet.stop()
    return stats
