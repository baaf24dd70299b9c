"""stationmaster simulate: a fleet of charging stations on real sockets."""

from pathlib import Path
from typing import Annotated

import typer

from stationmaster.cli.running import run


def register(app: typer.Typer) -> None:
    app.command("simulate")(simulate)


def simulate(
    stations: Annotated[int, typer.Option(min=1, max=10_000, help="How many.")] = 5,
    url: Annotated[
        str, typer.Option(help="Base address; the station's id is appended.")
    ] = "ws://127.0.0.1:9000/ws/ocpp/16",
    prefix: Annotated[str, typer.Option(help="Ids are PREFIX001, PREFIX002, ...")] = "SIM-",
    passwords: Annotated[Path | None, typer.Option(help="JSON file {stationId: password}.")] = None,
    connectors: Annotated[int, typer.Option(min=1, max=8)] = 1,
    meter_interval: Annotated[float, typer.Option(min=0.1, help="Seconds between meter values.")] = 10.0,
    time_scale: Annotated[float, typer.Option(min=0.1, help="Energy flows this much faster.")] = 1.0,
    seconds: Annotated[float | None, typer.Option(help="Stop after so long.")] = None,
    journal: Annotated[
        Path | None, typer.Option(help="Write what was answered to this file (JSON lines).")
    ] = None,
    seed: Annotated[int | None, typer.Option()] = None,
) -> None:
    """Charging stations that boot, authorise, charge along a power curve and obey."""
    import json

    from stationmaster.simulator.fleet import Pace, StationSpec
    from stationmaster.simulator.fleet import run as run_fleet

    known = json.loads(passwords.read_text(encoding="utf-8")) if passwords else {}
    ids = list(known) if known else [f"{prefix}{number:03d}" for number in range(1, stations + 1)]
    specs = [StationSpec(station_id=i, password=known.get(i), connectors=connectors) for i in ids[:stations]]
    pace = Pace(meter_interval_s=meter_interval, time_scale=time_scale)
    run(run_fleet(url, specs, pace=pace, seed=seed, journal_path=journal, for_s=seconds))
