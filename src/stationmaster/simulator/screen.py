"""What does a person at the terminal see of the fleet?"""

from typing import TYPE_CHECKING

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from stationmaster.simulator.charger import Charger
from stationmaster.simulator.model import Connector

if TYPE_CHECKING:
    from stationmaster.simulator.fleet import Fleet, FleetStats

REFRESH_S = 0.5
ROWS_MAX = 24
_STYLES = {
    "Available": "green",
    "Preparing": "cyan",
    "Charging": "bold yellow",
    "SuspendedEV": "yellow",
    "Finishing": "cyan",
    "Faulted": "bold red",
    "Unavailable": "dim",
}


async def watch(fleet: "Fleet", *, for_s: float | None, show: bool) -> None:
    """Until the time is over, for ever without ``for_s``; draws only when ``show``."""
    clock, began = fleet.runtime.clock, fleet.runtime.clock.monotonic()
    rate = _Rate(began)
    with Live(console=Console(stderr=True), auto_refresh=False, screen=False) if show else _Nothing() as live:
        while for_s is None or clock.monotonic() - began < for_s:
            await fleet.runtime.sleep(REFRESH_S)
            if isinstance(live, Live):
                _let_flow(fleet, clock.monotonic())
                stats = fleet.stats
                live.update(picture(fleet, stats, rate.of(stats, clock.monotonic())), refresh=True)


def _let_flow(fleet: "Fleet", now: float) -> None:
    """Bring the meters up to now: they are read when a sample is due, and here."""
    for charger in fleet.chargers.values():
        for connector in charger.charging:
            if connector.flow is not None:
                connector.flow.advance(now)


class _Nothing:
    def __enter__(self) -> None:
        return None

    def __exit__(self, *_: object) -> None:
        return None


class _Rate:
    """Frames per second, smoothed over a few refreshes."""

    def __init__(self, now: float):
        self._at, self._frames, self._rate = now, 0, 0.0

    def of(self, stats: "FleetStats", now: float) -> float:
        frames = stats.frames_in + stats.frames_out
        elapsed = max(1e-6, now - self._at)
        self._rate = 0.7 * self._rate + 0.3 * (frames - self._frames) / elapsed
        self._at, self._frames = now, frames
        return self._rate


def picture(fleet: "Fleet", stats: "FleetStats", frames_per_s: float) -> RenderableType:
    """The head line and the busiest stations."""
    head = Text.assemble(
        (f"{stats.connected}/{stats.stations} connected", "green" if stats.connected else "red"),
        f"   {stats.charging} charging",
        f"   {stats.power_w / 1000:.0f} kW",
        f"   {frames_per_s:.1f} frames/s",
        f"   {stats.queued} queued",
        (f"   {stats.errors} errors", "red" if stats.errors else "dim"),
    )
    chargers = sorted(fleet.chargers.values(), key=_interest)[:ROWS_MAX]
    return Group(head, _table(chargers), Text(_last_error(chargers), style="dim red"))


def _interest(charger: Charger) -> tuple[int, str]:
    if charger.charging:
        return 0, charger.spec.station_id
    is_odd = charger.spec.personality != "normal" or not charger.is_ready
    return (1 if is_odd else 2), charger.spec.station_id


def _table(chargers: list[Charger]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for title in ("station", "line", "connectors", "kW", "Wh", "SoC", "queued", "in", "out"):
        table.add_column(title, justify="left" if title in {"station", "line", "connectors"} else "right")
    for charger in chargers:
        table.add_row(*_row(charger))
    return table


def _row(charger: Charger) -> list[str | Text]:
    busy = [c for c in charger.charging if c.flow is not None]
    first = busy[0] if busy else None
    return [
        charger.spec.station_id,
        Text("online", "green") if charger.is_ready else Text("offline", "dim"),
        _connectors(list(charger.connectors.values())),
        f"{sum(c.flow.power_w for c in busy if c.flow) / 1000:.1f}" if busy else "",
        str(_energy_wh(first)) if first else "",
        f"{first.flow.battery.soc_percent:.0f}%" if first and first.flow else "",
        str(len(charger.talk.queue) or ""),
        str(charger.stats.frames_in),
        str(charger.stats.frames_out),
    ]


def _energy_wh(connector: Connector) -> int:
    transaction = connector.transaction
    return 0 if transaction is None else connector.meter.shown_wh - transaction.meter_start


def _connectors(connectors: list[Connector]) -> Text:
    text = Text()
    for connector in connectors[:4]:
        text.append(f"{connector.id} {connector.status}  ", _STYLES.get(connector.status, ""))
    return text


def _last_error(chargers: list[Charger]) -> str:
    errors = [f"{c.spec.station_id}: {c.stats.last_error}" for c in chargers if c.stats.last_error]
    return errors[0][:150] if errors else ""
