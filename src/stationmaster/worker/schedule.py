"""What runs every so often? Discovery reads `<room>/jobs/*.py`; one process at a time runs each of them."""

import asyncio
import zlib
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import structlog

from stationmaster.contracts.topology import Names
from stationmaster.infra import discovery, inject
from stationmaster.infra.bus.port import Bus
from stationmaster.infra.cache.port import Cache
from stationmaster.infra.db.database import Database
from stationmaster.infra.runtime import Runtime
from stationmaster.kernel.errors import Invalid, Unavailable
from stationmaster.worker import metrics
from stationmaster.worker.frames import FrameWorker

log = structlog.get_logger()

STAGGER_MAX_S = 30.0


@dataclass(frozen=True, slots=True)
class Job:
    """One file of `<room>/jobs/`."""

    name: str
    every_s: float
    run: Callable[..., Awaitable[None]]

    @property
    def first_after_s(self) -> float:
        """Jobs of one period do not all start together; each always starts at the same point of it."""
        return min(self.every_s, STAGGER_MAX_S) * zlib.crc32(self.name.encode()) / 2**32


def discovered(files: Iterable[ModuleType] | None = None) -> list[Job]:
    """Every job of every room."""
    found = discovery.furniture("jobs") if files is None else files
    return [_job(module) for module in found]


def _job(module: ModuleType) -> Job:
    name = module.__name__.removeprefix(f"{discovery.ROOT}.").replace(".jobs.", ".")
    every_s, run = getattr(module, "EVERY_S", None), getattr(module, "run", None)
    if not isinstance(every_s, int | float) or every_s <= 0 or run is None:
        raise Invalid("bad_job_file", f"{name} must define EVERY_S and run")
    return Job(name, float(every_s), run)


@dataclass(slots=True)
class JobRunner:
    """Runs jobs until stopped. ``ports`` are further things that they may ask for by name; `frame_worker`
    is one that is always there."""

    database: Database
    bus: Bus
    cache: Cache
    runtime: Runtime
    names: Names = field(default_factory=Names)
    ports: Mapping[str, Any] = field(default_factory=dict)
    _tasks: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    _busy: set[str] = field(default_factory=set)
    _offered: dict[str, Any] = field(default_factory=dict)
    _is_stopping: bool = False

    def __post_init__(self) -> None:
        self._offered = {
            "frame_worker": self.ports.get("frame_worker") or self._frame_worker(),
            **self.ports,
            "database": self.database,
            "bus": self.bus,
            "cache": self.cache,
            "clock": self.runtime.clock,
            "ids": self.runtime.ids,
            "runtime": self.runtime,
            "names": self.names,
        }

    def _frame_worker(self) -> FrameWorker:
        """For the job that goes over gaps; it is never started, so it consumes nothing."""
        return FrameWorker(
            database=self.database, bus=self.bus, runtime=self.runtime, names=self.names, ports=self.ports
        )

    async def start(self, jobs: Sequence[Job]) -> None:
        """Raises TypeError when one asks for what nobody offers."""
        for job in jobs:
            if lacking := inject.missing(job.run, self._offered):
                raise TypeError(f"nobody offers what {job.name} asks for: {', '.join(lacking)}")
        self._is_stopping = False
        for job in jobs:
            self._tasks[job.name] = self.runtime.spawn(self._keep_running(job), name=f"job:{job.name}")

    async def stop(self) -> None:
        """Runs in hand are finished, none is begun."""
        self._is_stopping = True
        for name, task in self._tasks.items():
            if name not in self._busy:
                task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        self._tasks.clear()

    async def _keep_running(self, job: Job) -> None:
        await self.runtime.sleep(job.first_after_s)
        while not self._is_stopping:
            self._busy.add(job.name)
            try:
                await self.run_once(job)
            finally:
                self._busy.discard(job.name)
            if not self._is_stopping:
                await self.runtime.sleep(job.every_s)

    async def run_once(self, job: Job) -> str:
        """One run, when nobody else is at it; a failure is told and ends only this run."""
        began = self.runtime.clock.monotonic()
        outcome = "done"
        try:
            async with self.database.leader(f"job:{job.name}") as is_leader:
                if is_leader:
                    await inject.call(job.run, **self._offered)
                else:
                    outcome = "elsewhere"
        except Unavailable as error:
            outcome = "unavailable"
            log.warning("job.unavailable", job=job.name, code=error.code, why=error.message)
        except Exception:
            outcome = "failed"
            log.exception("job.failed", job=job.name)
        seconds = self.runtime.clock.monotonic() - began
        metrics.JOBS.labels(job.name, outcome).inc()
        metrics.JOB_SECONDS.labels(job.name).observe(seconds)
        log.debug("job.ran", job=job.name, outcome=outcome, ms=round(seconds * 1000, 1))
        return outcome
