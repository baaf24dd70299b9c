"""Frames are applied once and in order, whatever the broker does, with any number of competing workers.

Many seeded runs: the frames of fresh stations are shuffled, repeated, packed in odd ways, and delivered to
three worker processes, some of which are killed meanwhile. Afterwards every row equals what one worker made
of the same frames in order. ORDER_RUNS sets how many runs.
"""

import asyncio
import os
import random
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Self

import msgspec
import pytest
from sqlalchemy import and_, func, or_, select
from tests.integration.order_database import COMPARED, OF_THE_WAY, prepare, rows
from tests.integration.order_histories import (
    BEGIN,
    MAILBOX,
    History,
    Link,
    across_links,
    deliveries,
    history,
    in_small_steps,
)

from stationmaster.charging.tables import charging_session
from stationmaster.contracts.commands import DecidedAnswer
from stationmaster.contracts.topology import topology
from stationmaster.infra.bus.amqp import AmqpBus
from stationmaster.infra.bus.journal import Journal, JournalBus
from stationmaster.infra.bus.port import Delivery, Message
from stationmaster.infra.db import migrate
from stationmaster.infra.db.database import Database, UnitOfWork
from stationmaster.infra.db.postgres import PostgresDatabase
from stationmaster.infra.db.sqlite import SqliteDatabase
from stationmaster.infra.db.tables import link_mark, stored_answer
from stationmaster.infra.runtime import Runtime
from stationmaster.worker import marks
from stationmaster.worker.frames import FrameWorker, Intake

pytestmark = [pytest.mark.anyio, pytest.mark.services]

RUNS = int(os.environ.get("ORDER_RUNS", "300"))
AT_ONCE = 6
WORKERS = 3
KILLS_IN = 0.1  # of the runs
DONE_WITHIN_S = 60.0
ROOT = Path(__file__).parents[2]


class Nobody:
    """The reference worker's answers go nowhere; what it kept of them is compared."""

    async def publish(self, message: Message) -> None:
        pass


async def one_worker_in_order(database: Database, histories: list[History]) -> None:
    """What everything is compared with."""
    worker = FrameWorker(database=database, bus=Nobody(), runtime=Runtime())  # type: ignore[arg-type]
    for made in histories:
        rng = random.Random(made.seed)
        for step in in_small_steps(made.frames, rng):
            await worker.take([Delivery("ocpp_messages", "", step)])


async def until_applied(database: Database, ends: dict[Link, int]) -> None:
    """Every link at its end, nothing parked."""
    t = link_mark.c
    wanted = [and_(t.station_id == s, t.epoch == e, t.last_seq == end) for (s, e), end in ends.items()]
    statement = select(func.count()).select_from(link_mark).where(or_(*wanted), t.parked == 0)
    async with asyncio.timeout(DONE_WITHIN_S):
        while True:
            async with database.reading() as reader:
                if (await reader.execute(statement)).scalar() == len(ends):
                    return
            await asyncio.sleep(0.02)


async def assert_equal_rows(found: Database, expected: Database, histories: list[History]) -> None:
    for made in histories:
        for table in COMPARED:
            without = OF_THE_WAY.get(table, "") if made.is_across_links else ""
            ours = await rows(found, table, made.stations, without=without)
            theirs = await rows(expected, table, made.stations, without=without)
            assert ours == theirs, f"{table.name} differs in run {made.seed}"


class Workers:
    """Processes that are killed and replaced. Used as a context: none is left behind."""

    def __init__(self, bus_url: str, database_url: str):
        self._command = [sys.executable, "-m", "tests.integration.order_worker", bus_url, database_url]
        self._processes: list[subprocess.Popen[bytes]] = []
        self._young: set[subprocess.Popen[bytes]] = set()
        self.kills = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._processes:
            process.kill()
            process.wait()
            assert process.stdout is not None
            process.stdout.close()

    async def start(self) -> None:
        for _ in range(WORKERS):
            self._start_one()
        await asyncio.gather(*(asyncio.to_thread(self._is_ready, process) for process in self._processes))

    def _start_one(self) -> "subprocess.Popen[bytes]":
        environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"}
        process = subprocess.Popen(self._command, stdout=subprocess.PIPE, env=environment, cwd=ROOT)
        self._processes.append(process)
        return process

    @staticmethod
    def _is_ready(process: "subprocess.Popen[bytes]") -> None:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"

    def kill_one(self, rng: random.Random) -> None:
        """The replacement comes when it comes; meanwhile the others go on."""
        process = self._processes.pop(rng.randrange(len(self._processes)))
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()
        self._young.discard(process)
        self.kills += 1
        self._young.add(self._start_one())

    async def stop(self) -> None:
        """Each ends by itself, with what it has in hand done."""
        await asyncio.gather(*(asyncio.to_thread(self._is_ready, process) for process in self._young))
        for process in self._processes:
            process.send_signal(signal.SIGTERM)
        codes = [await asyncio.to_thread(process.wait, 30) for process in self._processes]
        assert codes == [0] * len(codes)


class Answers:
    """What a gateway would have heard, by the CALL's place."""

    def __init__(self) -> None:
        self.heard: dict[tuple[str, int, int], set[bytes]] = {}

    async def take(self, batch: Sequence[Delivery]) -> None:
        for body in (item for delivery in batch for item in delivery.items):
            answer = msgspec.json.decode(body, type=DecidedAnswer)
            place = (answer.device_id, answer.epoch, answer.seq)
            self.heard.setdefault(place, set()).add(bytes(answer.payload))


@pytest.fixture
async def expected(tmp_path: Path) -> AsyncIterator[tuple[SqliteDatabase, list[History]]]:
    """The rows of one worker in order. Made on the other engine, which must not matter."""
    histories = [history(seed) for seed in range(1, RUNS + 1)]
    async with sqlite(tmp_path / "expected.db") as database:
        await prepare(database, histories)
        await one_worker_in_order(database, histories)
        yield database, histories


class sqlite:  # noqa: N801 - reads as a word
    """A started, migrated database."""

    def __init__(self, path: Path):
        self._path = path

    async def __aenter__(self) -> SqliteDatabase:
        migrate.upgrade(f"sqlite:///{self._path}")
        self._database = SqliteDatabase(self._path, synchronous="OFF")
        await self._database.start()
        return self._database

    async def __aexit__(self, *_: object) -> None:
        await self._database.stop()


@pytest.mark.timeout(900)
async def test_competing_worker_processes_make_the_same_rows(
    expected: tuple[SqliteDatabase, list[History]], rabbitmq_url: str, postgres_url: str
) -> None:
    reference, histories = expected
    migrate.upgrade(postgres_url)
    database, bus, answers = (
        PostgresDatabase(postgres_url, pool_size=AT_ONCE + 1),
        AmqpBus(rabbitmq_url),
        Answers(),
    )
    await database.start()
    await bus.start()
    try:
        await prepare(database, histories)
        await bus.apply(topology())
        await bus.open_mailbox(MAILBOX)
        await bus.consume(MAILBOX, answers.take, batch_max=100)
        with Workers(rabbitmq_url, postgres_url) as workers:
            await workers.start()
            await _run_all(bus, database, workers, histories)
            await _until_empty(bus)
            await workers.stop()
            assert workers.kills > 0 or RUNS < 50
        await assert_equal_rows(database, reference, histories)
        await _assert_answered(answers, histories, reference)
        assert await bus.dead_letters("ocpp_messages") == []
    finally:
        await bus.stop()
        await database.stop()


async def _run_all(bus: AmqpBus, database: Database, workers: Workers, histories: list[History]) -> None:
    waiting = list(reversed(histories))

    async def some() -> None:
        while waiting:
            await _run(bus, database, workers, waiting.pop())

    await asyncio.gather(*(some() for _ in range(AT_ONCE)))


async def _run(bus: AmqpBus, database: Database, workers: Workers, made: History) -> None:
    rng = random.Random(made.seed)
    for phase in range(len(made.phases)):
        messages = deliveries(made, phase, rng)
        must_kill = rng.random() < KILLS_IN
        kill_after = rng.randrange(len(messages))
        for number, (key, bodies) in enumerate(messages):
            await _publish(bus, key, bodies, f"{made.seed}:{phase}:{number}")
            if must_kill and number == kill_after:
                workers.kill_one(rng)
        await until_applied(database, made.ends(phase))


async def _publish(bus: AmqpBus, key: str, bodies: list[bytes], name: str) -> None:
    """Documents that go in one pack were submitted together and share the first one's key."""
    message = [
        Message("ev_charging_events", key, body, f"{name}:{n}", group=name) for n, body in enumerate(bodies)
    ]
    await asyncio.gather(*(bus.publish(m) for m in message))


async def _until_empty(bus: AmqpBus) -> None:
    async with asyncio.timeout(DONE_WITHIN_S):
        while True:
            [state] = [s for s in await bus.state() if s.name == "ocpp_messages"]
            if state.ready == 0 and state.unacknowledged == 0:
                return
            await asyncio.sleep(0.05)


async def _assert_answered(answers: Answers, histories: list[History], reference: Database) -> None:
    """Every decided CALL was answered, always alike, and as the single worker did."""
    for made in histories:
        kept = {row[:3]: row[4].encode() for row in await rows(reference, stored_answer, made.stations)}
        for frame in made.frames:
            if frame.is_decided:
                assert answers.heard.get(frame.place) == {kept[frame.place]}, frame.place


async def test_a_worker_on_the_journal_makes_the_same_rows(tmp_path: Path) -> None:
    """The embedded shape, in process; a crash between runs gives everything unacknowledged again."""
    histories = [history(seed) for seed in range(5001, 5001 + max(5, RUNS // 10))]
    async with sqlite(tmp_path / "expected.db") as reference, sqlite(tmp_path / "found.db") as database:
        for each in (reference, database):
            await prepare(each, histories)
        await one_worker_in_order(reference, histories)
        for number, made in enumerate(histories):
            await _on_the_journal(tmp_path / f"bus{number % 2}.db", database, made)
        await assert_equal_rows(database, reference, histories)


async def _on_the_journal(path: Path, database: Any, made: History) -> None:
    rng, runtime = random.Random(made.seed), Runtime()
    journal = Journal(path)
    bus = JournalBus(journal, topology(), runtime)
    await bus.start()
    intake = Intake(batch_max=rng.choice([1, 7, 50]), linger_s=0.0, prefetch=4)
    worker = FrameWorker(database=database, bus=bus, runtime=runtime, intake=intake)
    await worker.start()
    for phase in range(len(made.phases)):
        for number, (key, bodies) in enumerate(deliveries(made, phase, rng)):
            for n, body in enumerate(bodies):
                name = f"{made.seed}:{phase}:{number}:{n}"
                await bus.publish(Message("ev_charging_events", key, body, name, group="frames"))
        await until_applied(database, made.ends(phase))
    await worker.stop()
    await bus.stop()


class Held(PostgresDatabase):
    """Its units of work come to their end when they are let go."""

    let_go: asyncio.Event
    at_the_end: asyncio.Event

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[UnitOfWork]:
        async with super().transaction() as uow:
            yield uow
            self.at_the_end.set()
            await self.let_go.wait()


async def test_a_stop_that_is_about_to_be_kept_finds_its_start(postgres_url: str) -> None:
    """The start is on the station's older link, in another worker's hands."""
    migrate.upgrade(postgres_url)
    made = across_links(4)
    held, database = Held(postgres_url), PostgresDatabase(postgres_url)
    held.at_the_end, held.let_go = asyncio.Event(), asyncio.Event()
    station = made.stations[0]
    frames = [frame for frame in made.frames if frame.place[0] == station]
    middle = next(n for n, frame in enumerate(frames) if frame.place[1] != frames[0].place[1])
    older, newer = (
        Delivery("ocpp_messages", "", [frame.body for frame in part])
        for part in (frames[:middle], frames[middle:])
    )
    for each in (held, database):
        await each.start()
    try:
        await prepare(database, [made])
        await marks.make(database, {frame.place[:2] for frame in frames}, now=BEGIN)
        late, early = (
            FrameWorker(database=each, bus=Nobody(), runtime=Runtime())  # type: ignore[arg-type]
            for each in (held, database)
        )
        stopping = asyncio.ensure_future(late.take([newer]))
        await held.at_the_end.wait()
        starting = asyncio.ensure_future(early.take([older]))
        await asyncio.wait([starting], timeout=0.3)
        assert not starting.done(), "the station's other link is another worker's now"
        held.let_go.set()
        await asyncio.gather(stopping, starting)
        [session] = await rows(database, charging_session, [station])
        assert session[2] in {"COMPLETED", "TERMINATED"}, session
    finally:
        for each in (held, database):
            await each.stop()
