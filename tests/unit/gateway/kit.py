"""A gateway with everything around it in memory, and a charge point to talk to it."""

import asyncio
import base64
import contextlib
import json
import tempfile
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
from websockets.asyncio.client import ClientConnection, connect

from stationmaster.contracts import credentials
from stationmaster.contracts import envelope as contract
from stationmaster.contracts.commands import CommandOutcome, DecidedAnswer, StationCommand
from stationmaster.contracts.envelope import Envelope
from stationmaster.contracts.topology import gateway_queue
from stationmaster.gateway.options import GatewayOptions
from stationmaster.gateway.ports import RefusedHandshake, StationRecord
from stationmaster.gateway.server import Gateway
from stationmaster.infra.bus.port import Delivery, Message, PublishUnknown, Unroutable
from stationmaster.infra.cache.memory import MemoryCache
from stationmaster.infra.runtime import Runtime
from stationmaster.kernel.clock import SystemClock
from stationmaster.kernel.errors import Unavailable

PEPPER = b"pepper of the tests"
PASSWORD = b"sixteen bytes...."


class RecordingBus:
    """Keeps what was published. ``held``: confirms wait for ``confirm``; ``failing``: they do not come."""

    def __init__(self) -> None:
        self.ready = True
        self.failing = False
        self.published: list[Message] = []
        self.waiting: list[tuple[Message, asyncio.Future[None]]] = []
        self.handlers: dict[str, Callable[[Sequence[Delivery]], Any]] = {}
        self.held = False
        self.mail_down = False

    def submit(self, message: Message) -> asyncio.Future[None]:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if self.failing:
            future.set_exception(PublishUnknown("publish_unknown"))
        elif self.held:
            self.waiting.append((message, future))
        else:
            self.published.append(message)
            future.set_result(None)
        return future

    def confirm(self, index: int = 0, *, unknown: bool = False) -> None:
        """Let one of the held publishes end."""
        message, future = self.waiting.pop(index)
        if unknown:
            future.set_exception(PublishUnknown("publish_unknown"))
        else:
            self.published.append(message)
            future.set_result(None)

    def release(self) -> None:
        """Hold nothing any more."""
        self.held = False
        while self.waiting:
            self.confirm()

    async def publish(self, message: Message) -> None:
        if self.failing:
            raise PublishUnknown("publish_unknown")
        if message.exchange == "" and message.routing_key.startswith("charging.gateway."):
            if message.routing_key not in self.handlers:
                raise Unroutable("unroutable")
            await self.deliver(message.routing_key, message.body)
        self.published.append(message)

    async def deliver(self, queue: str, body: bytes) -> Delivery:
        delivery = Delivery(queue, queue, [body])
        await self.handlers[queue]([delivery])
        return delivery

    async def open_mailbox(self, queue: str) -> None:
        if self.mail_down:
            raise Unavailable("down")

    async def consume(self, queue: str, handler: Any, **_: Any) -> "RecordingBus":
        self.handlers[queue] = handler
        return self

    async def cancel(self) -> None:
        self.handlers.clear()

    # What was said.

    def envelopes(self, station_id: str | None = None) -> list[Envelope]:
        frames = [contract.decode(m.body) for m in self.published if m.group == "frames"]
        return [frame for frame in frames if station_id in {None, frame.device_id}]

    def outcomes(self) -> list[CommandOutcome]:
        return [
            msgspec.json.decode(m.body, type=CommandOutcome)
            for m in self.published
            if m.message_id.endswith(":outcome")
        ]


class MemorySpool:
    """The port in memory; ``is_full`` by a number of messages, ``failing`` like a broken disk."""

    def __init__(self, *, limit: int = 1000) -> None:
        self.limit, self.failing = limit, False
        self.messages: list[tuple[int, str, Message]] = []
        self._next = 1

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    @property
    def depth(self) -> int:
        return len(self.messages)

    @property
    def is_full(self) -> bool:
        return self.failing or self.depth >= self.limit

    async def append(self, messages: Sequence[tuple[str, Message]]) -> None:
        if self.is_full:
            raise Unavailable("spool_full")
        for station_id, message in messages:
            self.messages.append((self._next, station_id, message))
            self._next += 1

    async def oldest(self, limit: int) -> list[tuple[int, str, Message]]:
        return self.messages[:limit]

    async def remove(self, keys: Sequence[int]) -> None:
        self.messages = [entry for entry in self.messages if entry[0] not in set(keys)]

    async def stations(self) -> dict[str, int]:
        counts: dict[str, int] = defaultdict(int)
        for _, station_id, _ in self.messages:
            counts[station_id] += 1
        return dict(counts)


@dataclass
class Directory:
    """Stations by name; ``down`` answers nothing."""

    stations: dict[str, StationRecord] = field(default_factory=dict)
    told: list[RefusedHandshake] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    down: bool = False
    number: int = 7
    next_id: int = 1000
    gate: asyncio.Event | None = None

    async def lookup(self, identity: str) -> StationRecord | None:
        self.asked.append(identity)
        if self.gate is not None:
            await self.gate.wait()
        self._check()
        return self.stations.get(identity)

    async def register_gateway(self, gateway_id: str) -> int:
        self._check()
        return self.number

    async def lease_transaction_ids(self, gateway_id: str, count: int) -> list[int]:
        self._check()
        self.next_id += count
        return list(range(self.next_id - count, self.next_id))

    async def refused(self, handshakes: list[RefusedHandshake]) -> None:
        self._check()
        self.told.extend(handshakes)

    def _check(self) -> None:
        if self.down:
            raise Unavailable("down")


def record(station_id: str, **changes: Any) -> StationRecord:
    digest = credentials.digest(PEPPER, PASSWORD)
    given = {"station_id": station_id, "charger_id": f"chg-{station_id}", "key_digest": digest, **changes}
    return StationRecord(**given)


class World:
    """One gateway and what surrounds it; ``start`` and ``stop`` may be repeated (same disk)."""

    def __init__(self, data_dir: Path, **options: Any) -> None:
        self.data_dir, self.changes = data_dir, options
        self.bus = RecordingBus()
        self.spool: MemorySpool | None = MemorySpool()
        self.directory = Directory({"CP-1": record("CP-1"), "CP-2": record("CP-2")})
        self.runtime = Runtime()
        self.cache = MemoryCache(SystemClock())
        self.gateway: Gateway
        self.stations: list[Station] = []

    def options(self) -> GatewayOptions:
        given = {
            "gateway_id": "gw-test", "listeners": (("127.0.0.1", 0),), "peppers": {"": PEPPER},
            "refusals_every_s": 0.02, **self.changes,
        }  # fmt: skip
        return GatewayOptions(data_dir=self.data_dir, **given)

    async def start(self) -> None:
        self.gateway = Gateway(
            self.bus, self.directory, self.spool, self.cache, self.runtime, self.options()  # type: ignore[arg-type]
        )  # fmt: skip
        await self.gateway.start()

    async def stop(self) -> None:
        await self.gateway.stop()

    @property
    def port(self) -> int:
        return self.gateway.ports[0]

    @property
    def mailbox(self) -> str:
        return gateway_queue(self.gateway.gateway_id)

    async def station(self, station_id: str = "CP-1", **how: Any) -> "Station":
        station = Station(await dial(self.port, station_id, **how))
        self.stations.append(station)
        return station

    async def link(self, station_id: str = "CP-1", **how: Any) -> "Station":
        """A station whose link is open."""
        station = await self.station(station_id, **how)
        assert (await station.call("Heartbeat"))[0] == 3
        return station

    async def decide(self, asked: Envelope, payload: dict[str, Any], **more: Any) -> None:
        answer = DecidedAnswer(
            device_id=asked.device_id,
            epoch=asked.epoch,
            seq=asked.seq,
            message_id=asked.message_id,
            payload=msgspec.Raw(msgspec.json.encode(payload)),
            **more,
        )
        await self.bus.deliver(self.mailbox, msgspec.json.encode(answer))

    async def command(self, command: StationCommand) -> Delivery:
        return await self.bus.deliver(self.mailbox, msgspec.json.encode(command))

    async def frames(self, count: int, station_id: str | None = None) -> list[Envelope]:
        """Wait until so many were published."""
        await until(lambda: len(self.bus.envelopes(station_id)) >= count)
        return self.bus.envelopes(station_id)


@contextlib.asynccontextmanager
async def world(**options: Any) -> AsyncIterator[World]:
    with tempfile.TemporaryDirectory() as folder:
        made = World(Path(folder), **options)
        await made.start()
        try:
            yield made
        finally:
            made.bus.release()
            await made.stop()
            for station in made.stations:
                await station.leave()
            await made.runtime.cancel_all()


class Station:
    """A charge point: sends JSON, hears JSON."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self._last = 0

    async def send(self, *frame: Any) -> None:
        await self.socket.send(json.dumps(frame))

    async def ask(self, action: str, payload: dict[str, Any] | None = None) -> str:
        self._last += 1
        await self.send(2, str(self._last), action, payload or {})
        return str(self._last)

    async def hear(self, within_s: float = 3.0) -> list[Any]:
        async with asyncio.timeout(within_s):
            heard: list[Any] = json.loads(await self.socket.recv())
        return heard

    async def call(self, action: str, payload: dict[str, Any] | None = None) -> list[Any]:
        await self.ask(action, payload)
        return await self.hear()

    async def hears_nothing(self, for_s: float = 0.05) -> bool:
        try:
            await self.hear(for_s)
        except TimeoutError:
            return True
        return False

    async def closed(self, within_s: float = 5.0) -> tuple[int, str]:
        async with asyncio.timeout(within_s):
            await self.socket.wait_closed()
        return self.socket.close_code or 0, self.socket.close_reason or ""

    async def leave(self) -> None:
        await self.socket.close()


async def dial(
    port: int,
    station_id: str,
    *,
    password: bytes | None = PASSWORD,
    username: str | None = None,
    path: str | None = None,
    subprotocols: Sequence[str] | None = ("ocpp1.6",),
    host: str = "127.0.0.1",
    source: str | None = None,
) -> ClientConnection:
    headers = {}
    if password is not None:
        name = (station_id if username is None else username).encode()
        headers["Authorization"] = "Basic " + base64.b64encode(name + b":" + password).decode()
    return await connect(
        f"ws://{host}:{port}{path or '/ws/ocpp/16/' + station_id}",
        subprotocols=subprotocols,  # type: ignore[arg-type]
        additional_headers=headers,
        local_addr=None if source is None else (source, 0),
        compression=None,
        open_timeout=5,
        close_timeout=1,
        ping_interval=None,
        proxy=None,
        max_size=None,
    )


async def until(condition: Callable[[], bool], within_s: float = 5.0) -> None:
    """Wait for something that another task will bring about."""
    async with asyncio.timeout(within_s):
        while not condition():
            await asyncio.sleep(0.002)
