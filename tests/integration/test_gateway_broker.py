"""The gateway on a real broker: confirmed before answered, and nothing lost when the broker dies."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.support.services import Rabbit
from tests.unit.gateway.kit import Station, World, record, until

from stationmaster.contracts import envelope as contract
from stationmaster.contracts.commands import CommandOutcome, DecidedAnswer, StationCommand
from stationmaster.contracts.envelope import Envelope
from stationmaster.contracts.topology import topology
from stationmaster.infra.bus.amqp import AmqpBus
from stationmaster.infra.bus.journal import JournalSpool
from stationmaster.infra.bus.port import Delivery, Message
from stationmaster.infra.runtime import Runtime

pytestmark = [pytest.mark.anyio, pytest.mark.services]


@pytest.fixture(scope="module")
def anyio_backend() -> tuple[str, dict[str, Any]]:
    """As in production."""
    return "asyncio", {"use_uvloop": True}


class Collected:
    """Every document of a queue."""

    def __init__(self) -> None:
        self.items: list[bytes] = []

    async def take(self, deliveries: Sequence[Delivery]) -> None:
        self.items.extend(item for delivery in deliveries for item in delivery.items)

    def envelopes(self) -> list[Envelope]:
        return [contract.decode(item) for item in self.items]

    def seqs(self, station_id: str) -> list[int]:
        """Each once, in order: what the marks in the database make of it."""
        return sorted({e.seq for e in self.envelopes() if e.device_id == station_id})


@contextlib.asynccontextmanager
async def production(url: str, folder: Path) -> AsyncIterator[tuple[World, AmqpBus]]:
    """``bus`` is a worker's; the gateway has its own."""
    runtime = Runtime()
    buses = [AmqpBus(url, topology=topology(), runtime=runtime, confirm_within_s=1.0) for _ in range(2)]
    for bus in buses:
        await bus.start()
    await buses[0].apply(topology())
    world = World(folder, frames_per_s=0)
    world.bus, world.runtime = buses[0], runtime  # type: ignore[assignment]
    world.spool = JournalSpool(folder / "spool.db")  # type: ignore[assignment]
    world.directory.stations = {f"CP-{n}": record(f"CP-{n}") for n in range(20)}
    await world.start()
    try:
        yield world, buses[1]
    finally:
        await world.stop()
        for station in world.stations:
            await station.leave()
        for bus in buses:
            await bus.stop()
        await runtime.cancel_all()


async def test_frames_decisions_and_commands_over_the_broker(rabbitmq_url: str, tmp_path: Path) -> None:
    async with production(rabbitmq_url, tmp_path) as (world, bus):
        work, outcomes = Collected(), Collected()
        await bus.consume("ocpp_messages", work.take, batch_max=100)
        await bus.consume("charging.remote.response", outcomes.take)
        station = await world.station("CP-1")
        for _ in range(50):
            assert (await station.call("MeterValues"))[0] == 3
        await until(lambda: len(work.seqs("CP-1")) == 51)

        await station.ask("Authorize", {"idTag": "T"})
        await until(lambda: len(work.seqs("CP-1")) == 52)
        asked = next(e for e in work.envelopes() if e.message_type == "Authorize")
        answer = DecidedAnswer(
            device_id="CP-1", epoch=asked.epoch, seq=asked.seq, message_id=asked.message_id,
            payload=msgspec.Raw(b'{"idTagInfo":{"status":"Accepted"}}'),
        )  # fmt: skip
        await bus.publish(Message("", asked.reply_to, msgspec.json.encode(answer), "decided:1"))
        assert (await station.hear())[2]["idTagInfo"]["status"] == "Accepted"

        command = StationCommand(
            command_id="cmd_1", device_id="CP-1", command="RemoteStartTransaction", epoch=asked.epoch,
            payload=msgspec.Raw(b'{"idTag":"X"}'), timestamp="2026-01-01T00:00:00Z",
            deadline_at="2099-01-01T00:00:00Z",
        )  # fmt: skip
        for _ in range(2):  # the dispatcher's redelivery
            await bus.publish(Message("", world.mailbox, msgspec.json.encode(command), "cmd_1"))
        assert (await station.hear())[1:3] == ["cmd_1", "RemoteStartTransaction"]
        await station.send(3, "cmd_1", {"status": "Accepted"})
        await until(lambda: bool(outcomes.items))
        assert msgspec.json.decode(outcomes.items[0], type=CommandOutcome).state == "answered"
        assert await station.hears_nothing()


async def test_the_broker_dies_and_every_answered_frame_is_there_once(
    rabbit: Rabbit, rabbitmq_url: str, tmp_path: Path
) -> None:
    """Stations keep talking through the outage and stay connected; afterwards no seq is missing."""
    async with production(rabbitmq_url, tmp_path) as (world, bus):
        work = Collected()
        await bus.consume("ocpp_messages", work.take, batch_max=500)
        stations = {f"CP-{n}": await world.link(f"CP-{n}") for n in range(20)}
        is_over = asyncio.Event()
        answered = dict.fromkeys(stations, 0)

        async def talk(name: str, station: Station) -> None:
            while not is_over.is_set():
                await station.ask("MeterValues", {"connectorId": 1})
                await station.hear(within_s=20)
                answered[name] += 1
                await asyncio.sleep(0.02)

        talking = [asyncio.ensure_future(talk(*each)) for each in stations.items()]
        await until(lambda: min(answered.values()) > 20)
        await asyncio.to_thread(rabbit.kill)
        down_at = dict(answered)
        await until(lambda: all(answered[name] > down_at[name] + 20 for name in stations), within_s=30)
        assert world.spool is not None
        assert world.spool.depth > 0
        await asyncio.to_thread(rabbit.restart)
        await until(lambda: world.spool is not None and world.spool.depth == 0, within_s=60)
        is_over.set()
        await asyncio.gather(*talking)
        assert world.gateway.connections == 20
        for name, count in answered.items():
            await until(lambda: len(work.seqs(name)) >= answered[name] + 1, within_s=30)  # noqa: B023
            assert work.seqs(name)[: count + 1] == list(range(1, count + 2))
