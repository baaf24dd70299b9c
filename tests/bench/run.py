"""One measurement: load, drain, and whether everything is there."""

import asyncio
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from tests.bench.place import Place
from tests.bench.truth import Committed
from tests.support.installation import wait_until

from stationmaster.infra.bus.amqp import AmqpBus
from stationmaster.simulator.load import LoadResult

WARMUP_S: Final = 1.0
DRAIN_WITHIN_S: Final = 120.0
HEARTBEATS_WITHIN_S: Final = 75.0
GENERATOR_NICE: Final = 5
LINK_MARKS: Final = 2  # LinkOpened and LinkClosed take a seq each
ROWS_PER_CALL: Final = 2  # the call and its answer


@dataclass(frozen=True, slots=True)
class _Before:
    epoch: int
    committed: Committed


def measure(place: Place, kind: str, *, seconds: float) -> dict[str, Any]:
    """The figures of one run. Raises AssertionError when something that was answered is not there."""
    epoch = place.truth.newest_epoch()
    before = _Before(epoch, place.truth.committed(after_epoch=epoch))
    place.meter.start()
    load = _load(place, kind, seconds)
    ended = time.monotonic()
    wait_until(lambda: _is_committed(place, before, load), _missing(place, kind), within_s=DRAIN_WITHIN_S)
    _wait_for_empty_queues(place)
    drain_s = time.monotonic() - ended
    cpu = place.meter.seconds()
    _check(place, before, load)
    return _figures(load, cpu, drain_s)


def _missing(place: Place, kind: str) -> str:
    return f"{place.name} {kind}: everything answered is committed; logs in {place.installation.folder}"


def _load(place: Place, kind: str, seconds: float) -> LoadResult:
    """The generator is a process of its own, and yields to the processes under test."""
    command = [
        sys.executable, "-m", "stationmaster.simulator.load", "--url", place.installation.ocpp,
        "--stations", str(place.stations), "--kind", kind,
        "--seconds", str(seconds), "--warmup", str(WARMUP_S),
    ]  # fmt: skip
    done = subprocess.run(
        ["nice", "-n", str(GENERATOR_NICE), *command],
        env=place.installation.env,
        stdout=subprocess.PIPE,
        check=True,
        timeout=seconds + 120,
    )
    return msgspec.json.decode(done.stdout, type=LoadResult)


def _stamped(load: LoadResult) -> int:
    """Answered calls that are frames of their link; Heartbeats are only counted."""
    return sum(count for action, count in load.by_action.items() if action != "Heartbeat")


def _is_committed(place: Place, before: _Before, load: LoadResult) -> bool:
    now = place.truth.committed(after_epoch=before.epoch)
    frames = _stamped(load) + LINK_MARKS * place.connections
    return (
        now.applied >= frames
        and (now.parked, now.outbox) == (0, 0)
        and now.settled - before.committed.settled >= load.by_action.get("StartTransaction", 0)
        and place.truth.logged(after_epoch=before.epoch) >= ROWS_PER_CALL * _stamped(load)
    )


def _wait_for_empty_queues(place: Place) -> None:
    """What browsers and roll-ups were told is work too."""
    if place.name == "production":
        wait_until(lambda: asyncio.run(_waiting(place)) == 0, "queues are empty", within_s=DRAIN_WITHIN_S)


async def _waiting(place: Place) -> int:
    bus = AmqpBus(place.urls["RABBITMQ_URL"])
    # Not started: only the errand's own short connection. Integrations nobody reads keep theirs.
    return sum(queue.ready for queue in await bus.state() if queue.name != "charging_events")


def _check(place: Place, before: _Before, load: LoadResult) -> None:
    """Not more either: each frame once."""
    now, frames = place.truth.committed(after_epoch=before.epoch), _stamped(load)
    logged = place.truth.logged(after_epoch=before.epoch)
    started = load.by_action.get("StartTransaction", 0)
    assert load.errors == 0, f"{load.errors} CALLs were answered with errors"
    assert load.lost == 0, f"{load.lost} connections were lost"
    assert logged == ROWS_PER_CALL * frames, f"{logged} rows in the log for {frames} calls"
    assert now.applied == frames + LINK_MARKS * place.connections, f"{now.applied} applied of {frames}"
    assert now.sessions - before.committed.sessions == started, "a session for each start"
    assert now.settled == now.sessions, f"{now.sessions - now.settled} sessions are not settled"
    assert now.paid == now.sessions, f"{now.sessions - now.paid} sessions cost nobody anything"


def check_heartbeats(place: Place, heartbeats: int) -> None:
    """The gateway tells its counts once a minute."""
    wait_until(
        lambda: place.truth.committed(after_epoch=0).heartbeats >= heartbeats,
        f"{heartbeats} heartbeats counted",
        within_s=HEARTBEATS_WITHIN_S,
    )


def _figures(load: LoadResult, cpu: dict[str, float], drain_s: float) -> dict[str, Any]:
    """CPU is that of the whole run, connecting and draining included, by all its calls."""
    calls = sum(load.by_action.values())
    per_1000 = {name: round(1000 * spent / calls, 4) for name, spent in cpu.items()}
    per_1000["sum"] = round(1000 * sum(cpu.values()) / calls, 4)
    answering_s = calls / load.calls_per_s if load.calls_per_s else 0.0
    return {
        "calls": calls,
        "byAction": load.by_action,
        "answeredPerS": load.calls_per_s,
        "committedPerS": round(calls / (answering_s + drain_s), 1) if _stamped(load) == calls else None,
        "drainS": round(drain_s, 2),
        "p50Ms": load.p50_ms,
        "p99Ms": load.p99_ms,
        "maxMs": load.max_ms,
        "cpuSPer1000": per_1000,
        "generatorCpuSPer1000": round(1000 * load.generator_cpu_s / load.calls, 4) if load.calls else None,
    }
