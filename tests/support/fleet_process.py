"""Simulated stations in a process of their own, told by a file who they are."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

PACE = {
    "meter_interval_s": 0.5,
    "time_scale": 15.0,
    "plug_in_s": 0.2,
    "unplug_s": 0.5,
    "retry_transaction_s": 1.0,
}

PROGRAM = """
import asyncio, json, sys
from stationmaster.simulator.fleet import Fleet, Pace, StationSpec
told = json.loads(open(sys.argv[1]).read())
async def main():
    fleet = Fleet(told["url"], [StationSpec(**spec) for spec in told["specs"]], pace=Pace(**told["pace"]))
    await fleet.start()
    await asyncio.Event().wait()
asyncio.run(main())
"""


class FleetProcess:
    """``specs`` are the fields of StationSpec."""

    def __init__(self, url: str, specs: list[dict[str, Any]], folder: Path, *, env: dict[str, str]):
        self._env, self._file = env, folder / "fleet.json"
        self._file.write_text(json.dumps({"url": url, "specs": specs, "pace": PACE}), encoding="utf-8")
        self._log = folder / "fleet.log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self._log.open("ab") as out:
            self._process = subprocess.Popen(
                [sys.executable, "-c", PROGRAM, str(self._file)], env=self._env, stdout=out, stderr=out
            )

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
