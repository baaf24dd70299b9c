"""What does a frame cost? `make bench`: both compositions, each kind of load, as one JSON document.

Progress goes to stderr. Other work on the machine makes rates worse and CPU seconds hardly, so trust those.
"""

import argparse
import json
import shutil
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.bench import machine, run
from tests.bench.place import COMPOSITIONS, Place, standing
from tests.support.services import Services

KINDS = ("heartbeat", "metervalues", "cycle")


def main(arguments: Sequence[str] | None = None) -> None:
    given = _options().parse_args(arguments)
    document: dict[str, Any] = {"machine": machine.facts()}
    document |= {"chargers": given.chargers, "seconds": given.seconds}
    folder = Path(tempfile.mkdtemp(prefix="stationmaster-bench-"))
    with Services() as services:
        for name in given.compositions:
            document[name] = _composition(name, folder / name, services, given)
    if given.profile:
        _say(f"profiles: {', '.join(str(path) for path in folder.rglob('*.prof'))}")
    elif not given.keep:
        shutil.rmtree(folder, ignore_errors=True)
    print(json.dumps(document, indent=1))


def _options() -> argparse.ArgumentParser:
    options = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    options.add_argument("--seconds", type=float, default=10.0, help="of measured load per run")
    options.add_argument("--chargers", type=int, default=50)
    options.add_argument("--repeat", type=int, default=1, help="runs of each kind; the figures are medians")
    options.add_argument("--kinds", nargs="+", choices=KINDS, default=KINDS)
    options.add_argument("--compositions", nargs="+", choices=COMPOSITIONS, default=COMPOSITIONS)
    options.add_argument("--profile", default="", metavar="ROLE", help="run this role under cProfile")
    options.add_argument("--keep", action="store_true", help="keep the processes' logs and data")
    return options


def _composition(name: str, folder: Path, services: Services, given: argparse.Namespace) -> dict[str, Any]:
    _say(f"{name}: starting, {given.chargers} chargers")
    folder.mkdir()
    heartbeats = 0
    with standing(name, folder, services, chargers=given.chargers, profiled=given.profile) as place:
        found = {}
        for kind in given.kinds:
            runs = [_run(place, kind, given.seconds) for _ in range(given.repeat)]
            heartbeats += sum(one["byAction"].get("Heartbeat", 0) for one in runs)
            found[kind] = _median(runs)
        if heartbeats:
            _say(f"{name}: waiting for the minute's heartbeats to be counted")
            run.check_heartbeats(place, heartbeats)
    return found


def _run(place: Place, kind: str, seconds: float) -> dict[str, Any]:
    found = run.measure(place, kind, seconds=seconds)
    cpu = ", ".join(f"{name} {spent:.3f}" for name, spent in found["cpuSPer1000"].items())
    _say(
        f"{place.name} {kind}: {found['answeredPerS']:.0f}/s answered, {found['committedPerS'] or 0:.0f}/s "
        f"committed, p50 {found['p50Ms']:.1f} ms, p99 {found['p99Ms']:.1f} ms; CPU s per 1,000: {cpu}"
    )
    return found


def _median(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """Figure by figure."""
    first = runs[0]
    return {"runs": len(runs), **{key: _middle([one[key] for one in runs]) for key in first}}


def _middle(values: list[Any]) -> Any:
    if isinstance(values[0], dict):
        return {key: _middle([value.get(key, 0) for value in values]) for key in values[0]}
    if values[0] is None:
        return None
    return round(statistics.median(values), 4)


def _say(text: str) -> None:
    print(f"[bench] {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
