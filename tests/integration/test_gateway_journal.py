"""The gateway on the embedded bus: the journal's file is the broker and nothing else is needed."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import msgspec
import pytest
from tests.unit.gateway.kit import Directory, World, record, until

from stationmaster.contracts import envelope as contract
from stationmaster.contracts.commands import DecidedAnswer
from stationmaster.contracts.envelope import Envelope
from stationmaster.contracts.topology import topology
from stationmaster.infra.bus.journal import Journal, JournalBus, JournalSpool
from stationmaster.infra.bus.port import Delivery, Message
from stationmaster.infra.runtime import Runtime

pytestmark = pytest.mark.anyio


class Worker:
    """Consumes as a worker does: keeps what came, answers what needs a decision."""

    def __init__(self, bus: JournalBus) -> None:
        self._bus = bus
        self.frames: list[Envelope] = []
        self.changed = asyncio.Event()

    async def take(self, deliveries: Sequence[Delivery]) -> None:
        for envelope in [contract.decode(item) for delivery in deliveries for item in delivery.items]:
            self.frames.append(envelope)
            if envelope.message_type in {"Authorize", "StartTransaction"}:
                await self._bus.publish(self._answer(envelope))
        self.changed.set()

    def _answer(self, asked: Envelope) -> Message:
        given = {"idTagInfo": {"status": "Accepted"}}
        if asked.proposed_transaction_id is not None:
            given = {**given, "transactionId": asked.proposed_transaction_id}  # type: ignore[dict-item]
        answer = DecidedAnswer(
            device_id=asked.device_id, epoch=asked.epoch, seq=asked.seq, message_id=asked.message_id,
            payload=msgspec.Raw(msgspec.json.encode(given)),
        )  # fmt: skip
        return Message("", asked.reply_to, msgspec.json.encode(answer), f"{asked.id}:decided")

    async def until(self, count: int) -> list[Envelope]:
        async with asyncio.timeout(10):
            while len(self.frames) < count:
                self.changed.clear()
                await self.changed.wait()
        return self.frames


@contextlib.asynccontextmanager
async def embedded(folder: Path, runtime: Runtime) -> AsyncIterator[tuple[World, JournalBus]]:
    journal = Journal(folder / "bus.db")
    bus = JournalBus(journal, topology(), runtime)
    await bus.start()
    world = World(folder)
    world.bus, world.spool, world.runtime = bus, None, runtime  # type: ignore[assignment]
    await world.start()
    try:
        yield world, bus
    finally:
        await world.stop()
        for station in world.stations:
            await station.leave()
        await bus.stop()
        await runtime.cancel_all()


async def test_a_charge_on_the_journal(tmp_path: Path) -> None:
    """Boot to stop: each frame once, in order, in the work queue and in the log queue."""
    async with embedded(tmp_path, Runtime()) as (world, bus):
        worker = Worker(bus)
        await bus.consume("ocpp_messages", worker.take, batch_max=50)
        station = await world.station()
        assert (await station.call("BootNotification", {"chargePointVendor": "x"}))[2]["status"] == "Accepted"
        assert (await station.call("Authorize", {"idTag": "T"}))[2]["idTagInfo"]["status"] == "Accepted"
        begun = {"connectorId": 1, "idTag": "T", "meterStart": 0, "timestamp": "2026-01-01T00:00:00Z"}
        started = (await station.call("StartTransaction", begun))[2]
        for _ in range(20):
            assert (await station.call("MeterValues", {"transactionId": started["transactionId"]}))[0] == 3
        assert (await station.call("StopTransaction", {"transactionId": started["transactionId"]}))[0] == 3
        frames = await worker.until(25)
        assert [frame.seq for frame in frames] == list(range(1, 26))
        assert started["transactionId"] == frames[3].proposed_transaction_id
        state = {queue.name: queue.ready for queue in await bus.state()}
        assert state["ocpp.logs"] > 0


async def test_what_was_answered_is_there_after_a_crash(tmp_path: Path) -> None:
    """The journal is abandoned without a word, as a kill does; the next life finds every answered frame."""
    runtime = Runtime()
    journal = Journal(tmp_path / "bus.db")
    bus = JournalBus(journal, topology(), runtime)
    await bus.start()
    world = World(tmp_path)
    world.bus, world.spool, world.runtime = bus, None, runtime  # type: ignore[assignment]
    await world.start()
    station = await world.station()
    for _ in range(30):
        await station.call("MeterValues")
    journal.abandon()
    await station.leave()
    await runtime.cancel_all()
    for listener in world.gateway._listeners:
        listener.close()
        listener.abort()
    await until(lambda: not world.gateway._connections)
    await world.gateway._file.stop()
    world.gateway._lock.release()

    again = Runtime()
    next_bus = JournalBus(Journal(tmp_path / "bus.db"), topology(), again)
    await next_bus.start()
    worker = Worker(next_bus)
    await next_bus.consume("ocpp_messages", worker.take, batch_max=50)
    frames = await worker.until(31)
    assert [frame.seq for frame in frames][:31] == list(range(1, 32))
    await next_bus.stop()
    await again.cancel_all()


async def test_the_spools_file_survives_and_drains_in_order(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.spool = JournalSpool(tmp_path / "spool.db")  # type: ignore[assignment]
    world.directory = Directory({"CP-1": record("CP-1")})
    await world.start()
    station = await world.link()
    world.bus.ready = False
    for _ in range(50):
        await station.call("MeterValues")
    await world.stop()
    await station.leave()
    world.spool = JournalSpool(tmp_path / "spool.db")  # type: ignore[assignment]
    world.bus.ready = True
    await world.start()
    assert [frame.seq for frame in world.bus.envelopes()] == list(range(1, 53))
    await world.stop()
    await world.runtime.cancel_all()


async def test_a_full_spool_file_closes_1013(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.spool = JournalSpool(tmp_path / "spool.db", max_bytes=2000)  # type: ignore[assignment]
    await world.start()
    station = await world.link()
    world.bus.ready = False
    for _ in range(10):
        await station.ask("MeterValues")
    assert (await station.closed())[0] == 1013
    await world.stop()
    await world.runtime.cancel_all()
