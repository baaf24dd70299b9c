"""Jobs: found, staggered, one at a time, and one failure ends one run."""

import asyncio
from types import ModuleType
from typing import Any

import pytest
from tests.unit.worker.kit import Mailboxes

from stationmaster.infra.cache.memory import MemoryCache
from stationmaster.infra.db.sqlite import SqliteDatabase
from stationmaster.infra.runtime import Runtime
from stationmaster.kernel.errors import Invalid, Unavailable
from stationmaster.worker.schedule import Job, JobRunner, discovered

pytestmark = pytest.mark.anyio


def a_file(**parts: Any) -> ModuleType:
    module = ModuleType("stationmaster.room.jobs.thing")
    for name, part in parts.items():
        setattr(module, name, part)
    return module


async def a_runner() -> JobRunner:
    runtime = Runtime()
    database = SqliteDatabase(":memory:", runtime=runtime)
    await database.start()
    return JobRunner(database, Mailboxes(), MemoryCache(runtime.clock), runtime)  # type: ignore[arg-type]


async def test_a_failure_ends_one_run() -> None:
    calls = 0

    async def run() -> None:
        nonlocal calls
        calls += 1
        raise ValueError("no")

    runner = await a_runner()
    job = Job("room.thing", 1.0, run)
    assert [await runner.run_once(job), await runner.run_once(job)] == ["failed", "failed"]
    assert calls == 2
    await runner.database.stop()


async def test_a_dependency_that_is_away_is_no_failure() -> None:
    async def run() -> None:
        raise Unavailable("away")

    runner = await a_runner()
    assert await runner.run_once(Job("room.thing", 1.0, run)) == "unavailable"
    await runner.database.stop()


async def test_only_the_leader_runs_it() -> None:
    async def run() -> None:
        raise AssertionError("somebody else is at it")

    runner = await a_runner()
    async with runner.database.leader("job:room.thing") as is_leader:
        assert is_leader
        assert await runner.run_once(Job("room.thing", 1.0, run)) == "elsewhere"
    await runner.database.stop()


async def test_stopping_finishes_what_is_in_hand_and_begins_nothing() -> None:
    began, may_end, ends = asyncio.Event(), asyncio.Event(), 0

    async def run() -> None:
        nonlocal ends
        began.set()
        await may_end.wait()
        ends += 1

    async def never() -> None:
        raise AssertionError("it was not due")

    runner = await a_runner()
    await runner.start([Job("now", 0.001, run), Job("later", 3600.0, never)])
    await began.wait()
    stopping = asyncio.ensure_future(runner.stop())
    await asyncio.sleep(0)
    may_end.set()
    await stopping
    assert ends == 1
    await runner.database.stop()


async def test_a_job_that_asks_for_what_nobody_offers_does_not_start() -> None:
    async def run(*, moon: object) -> None: ...

    runner = await a_runner()
    with pytest.raises(TypeError, match=r"room\.thing asks for: moon"):
        await runner.start([Job("room.thing", 1.0, run)])
    await runner.database.stop()


async def test_files_must_say_how_often() -> None:
    async def run() -> None: ...

    with pytest.raises(Invalid, match="must define EVERY_S and run"):
        discovered([a_file(run=run)])
    with pytest.raises(Invalid, match="must define EVERY_S and run"):
        discovered([a_file(run=run, EVERY_S=0)])


async def test_every_job_of_the_tree_loads_and_starts_at_its_own_time() -> None:
    jobs = discovered()
    assert {"worker.gaps", "frames.retention"} <= {job.name for job in jobs}
    assert len({job.first_after_s for job in jobs}) == len(jobs)
    assert all(0 <= job.first_after_s <= min(job.every_s, 30) for job in jobs)
