"""The log over a real broker: two writers, frames published twice, wild packings; each row once."""

import asyncio
import random
from datetime import UTC, datetime

import msgspec
import pytest
from sqlalchemy import func, select

from stationmaster.contracts import envelope as envelopes
from stationmaster.contracts.envelope import Envelope
from stationmaster.contracts.topology import Names, topology
from stationmaster.frames.tables import charger_data
from stationmaster.infra.bus.amqp import AmqpBus
from stationmaster.infra.bus.port import Message
from stationmaster.infra.cache.memory import MemoryCache
from stationmaster.infra.db import migrate
from stationmaster.infra.db.database import Database
from stationmaster.infra.db.postgres import PostgresDatabase
from stationmaster.infra.runtime import Runtime
from stationmaster.kernel.clock import isoformat_z
from stationmaster.worker.consumers import ConsumerRunner, discovered

pytestmark = [pytest.mark.anyio, pytest.mark.services]

FRAMES = 600
DONE_WITHIN_S = 60


def frame(seq: int) -> Message:
    envelope = Envelope(
        id=envelopes.envelope_id("ST1", 7, "call", seq),
        device_id="ST1",
        epoch=7,
        seq=seq,
        kind="call",
        message_type="MeterValues",
        payload=msgspec.Raw(b"{}"),
        timestamp=isoformat_z(datetime(2026, 3, 1, tzinfo=UTC)),
        answer=msgspec.Raw(b"{}"),
    )
    key = "ocpp.metervalues"
    return Message("ev_charging_events", key, envelopes.encode(envelope), envelope.id, group="frames")


async def test_two_writers_and_repeated_publishes_leave_each_row_once(
    rabbitmq_url: str, postgres_url: str
) -> None:
    migrate.upgrade(postgres_url)
    runtime, bus, database = Runtime(), AmqpBus(rabbitmq_url), PostgresDatabase(postgres_url)
    await bus.start()
    await database.start()
    try:
        await bus.apply(topology())
        [writer] = [c for c in discovered(Names()) if c.name == "frames.write_log"]
        runners = [ConsumerRunner(database, bus, MemoryCache(runtime.clock), runtime) for _ in range(2)]
        for runner in runners:
            await runner.start([writer])
        await _publish_some_twice(bus, random.Random(5))
        await bus.publish(frame(FRAMES + 1))
        await _until_written(database, FRAMES + 1)
        for runner in runners:
            await runner.stop()
        async with database.reading() as reader:
            t = charger_data.c
            by_kind = select(t.kind, func.count(), func.count(t.seq.distinct())).group_by(t.kind)
            found = sorted(tuple(row) for row in (await reader.execute(by_kind)).all())
        assert found == [("answer", FRAMES + 1, FRAMES + 1), ("call", FRAMES + 1, FRAMES + 1)]
        assert await bus.dead_letters("ocpp.logs") == []
    finally:
        await bus.stop()
        await database.stop()


async def _publish_some_twice(bus: AmqpBus, rng: random.Random) -> None:
    messages = [frame(seq) for seq in range(1, FRAMES + 1)]
    messages += rng.sample(messages, FRAMES // 3)
    rng.shuffle(messages)
    while messages:
        size = rng.choice([1, 3, 50])
        now, messages = messages[:size], messages[size:]
        await asyncio.gather(*(bus.publish(message) for message in now))


async def _until_written(database: Database, seq: int) -> None:
    """The frame that was published last; a writer ends its batch before it stops."""
    statement = select(func.count()).select_from(charger_data).where(charger_data.c.seq == seq)
    async with asyncio.timeout(DONE_WITHIN_S):
        while True:
            async with database.reading() as reader:
                if (await reader.execute(statement)).scalar():
                    return
            await asyncio.sleep(0.05)
