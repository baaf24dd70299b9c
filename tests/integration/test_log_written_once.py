"""Every frame is in the log once, whatever is delivered how often, on both engines."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import func, select, text

from stationmaster.contracts import envelope as envelopes
from stationmaster.contracts.envelope import Envelope
from stationmaster.contracts.facts import Fact
from stationmaster.frames.consumers import write_log
from stationmaster.frames.jobs import retention
from stationmaster.frames.tables import charger_data, heartbeat_minute
from stationmaster.infra.db import migrate
from stationmaster.infra.db.postgres import PostgresDatabase
from stationmaster.infra.db.sqlite import SqliteDatabase
from stationmaster.kernel.clock import VirtualClock, isoformat_z
from stationmaster.kernel.errors import Invalid
from stationmaster.kernel.ids import SeededIds

pytestmark = [pytest.mark.anyio, pytest.mark.services]
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Log:
    """The consumer on one database, and what it hints."""

    def __init__(self, database: Any):
        self.database = database
        self.clock = VirtualClock(NOW)
        self.ids = SeededIds(1, self.clock)
        self.hints: list[Fact] = []
        self.seen: dict[str, datetime] = {}
        database.on_hints(self._hear)

    async def _hear(self, facts: Any) -> None:
        self.hints.extend(facts)

    async def write(self, *bodies: bytes) -> None:
        await write_log.consume_many(
            bodies, database=self.database, clock=self.clock, ids=self.ids, seen=self._see
        )

    async def _see(self, uow: Any, seen: Any) -> None:
        self.seen.update(seen)

    async def rows(self) -> list[tuple[str, int, str]]:
        t = charger_data.c
        async with self.database.reading() as reader:
            found = await reader.execute(
                select(t.device_id, t.seq, t.kind).order_by(t.device_id, t.seq, t.kind)
            )
            return [tuple(row) for row in found.all()]

    async def one(self, statement: Any) -> Any:
        async with self.database.reading() as reader:
            return (await reader.execute(statement)).scalar()


@pytest.fixture(params=["sqlite", "postgres"])
async def log(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Log]:
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'log.db'}"
        database: Any = SqliteDatabase(tmp_path / "log.db")
    else:
        url = request.getfixturevalue("postgres_url")
        database = PostgresDatabase(url)
    migrate.upgrade(url)
    await database.start()
    try:
        yield Log(database)
    finally:
        await database.stop()


def frame(seq: int, *, station: str = "ST1", at: datetime = NOW, kind: str = "call", **more: Any) -> bytes:
    return envelopes.encode(
        Envelope(
            id=envelopes.envelope_id(station, 7, kind, seq),
            device_id=station,
            charger_id="chg_1",
            epoch=7,
            seq=seq,
            kind=kind,
            message_type="MeterValues",
            message_id=f"m{seq}",
            payload=msgspec.Raw(b'{"connectorId":1}'),
            raw_data=msgspec.Raw(b'[2,"m","MeterValues",{"connectorId":1}]'),
            timestamp=isoformat_z(at),
            **({"answer": msgspec.Raw(b"{}")} if kind == "call" else {}),
            **more,
        )
    )


def both(station: str, seq: int) -> list[tuple[str, int, str]]:
    return [(station, seq, "answer"), (station, seq, "call")]


async def test_a_frame_and_its_answer_are_written(log: Log) -> None:
    await log.write(frame(1), frame(2), frame(2))
    assert await log.rows() == both("ST1", 1) + both("ST1", 2)


async def test_a_batch_with_some_old_frames_writes_only_the_new_ones(log: Log) -> None:
    await log.write(frame(1), frame(2))
    await log.write(frame(2), frame(3), frame(1, station="ST0"))
    assert await log.rows() == both("ST0", 1) + both("ST1", 1) + both("ST1", 2) + both("ST1", 3)


async def test_open_views_hear_once_per_station_and_batch(log: Log) -> None:
    await log.write(frame(1), frame(2), frame(1, station="ST2"))
    assert [(hint.type, hint.station_id) for hint in log.hints] == [
        ("ocpp.log.created", "ST1"),
        ("ocpp.log.created", "ST2"),
    ]


async def test_heartbeats_are_counted_on(log: Log) -> None:
    def count(n: int) -> bytes:
        return msgspec.json.encode(
            {
                "kind": "heartbeats",
                "gatewayId": "g",
                "minute": "2026-03-01T11:59:00Z",
                "counts": {"ST1": n, "ST2": 1},
            }
        )

    await log.write(count(2), frame(1))
    await log.write(count(3))
    assert await log.one(select(heartbeat_minute.c.count).where(heartbeat_minute.c.device_id == "ST1")) == 5
    assert log.seen == dict.fromkeys(["ST1", "ST2"], datetime(2026, 3, 1, 11, 59, tzinfo=UTC))


async def test_what_is_no_frame_is_said_so_and_nothing_is_written(log: Log) -> None:
    with pytest.raises(Invalid):
        await log.write(frame(1), b'{"kind":"call"}')
    assert await log.rows() == []


async def test_old_days_are_forgotten_and_new_ones_prepared(log: Log) -> None:
    old = NOW - timedelta(days=100)
    await log.write(frame(1, at=old), frame(2), frame(3, at=NOW + timedelta(days=1)))
    await retention.run(database=log.database, clock=log.clock)
    await log.write(frame(4), frame(3, at=NOW + timedelta(days=1)))
    assert await log.rows() == both("ST1", 2) + both("ST1", 3) + both("ST1", 4)
    if log.database.dialect == "postgresql":
        tables = await log.one(
            text("SELECT count(*) FROM pg_inherits WHERE inhparent = 'charger_data'::regclass")
        )
        assert tables >= retention.DAYS_AHEAD + 1
        assert await log.one(select(func.count()).select_from(text("charger_data_default"))) == 0
