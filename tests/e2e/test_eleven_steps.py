"""One StatusNotification from the socket to the screen, step by step, on real servers (mission R195).

Each step is held where it can be held, and it is looked at what has happened by then and what has not: the broker
is frozen, workers are stopped, the connector's row is locked. The publish is confirmed before the answer: while the
broker stands still there is none, until the frame is on the gateway's own disk.
"""

import asyncio
import contextlib
import json
import os
import signal
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import aio_pika
import asyncpg
import pytest
import socketio
import websockets
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage
from tests.support.effects import fetch
from tests.support.installation import ADMIN, PASSWORD, Installation, running
from tests.support.services import Rabbit, Services

from stationmaster.contracts.topology import Names

NAMES = Names()
STATION, SPOOLED = "STEPS-1", "STEPS-2"
HELD_S = 0.8
CONFIRM_WITHIN_S = 2.0  # then the gateway's own disk has to do
STEPS = [
    "connect", "parse", "publish", "answer", "exchange", "queue", "consume", "store", "process", "notify", "emit"
]  # fmt: skip


class Seen:
    """What came by where we listen, each with the time it came."""

    def __init__(self) -> None:
        self.items: list[tuple[float, dict[str, Any]]] = []

    def add(self, item: dict[str, Any]) -> None:
        self.items.append((time.monotonic(), item))

    def find(self, **wanted: Any) -> tuple[float, dict[str, Any]] | None:
        return next((one for one in self.items if all(one[1].get(k) == v for k, v in wanted.items())), None)

    async def until(self, what: str, **wanted: Any) -> tuple[float, dict[str, Any]]:
        found: tuple[float, dict[str, Any]] = await until(lambda: self.find(**wanted), what)
        return found


async def until(holds: Callable[[], Any], what: str, *, within_s: float = 60.0) -> Any:
    """As wait_until, while our own listeners go on."""
    ends_at = time.monotonic() + within_s
    while not (found := holds()):
        assert time.monotonic() < ends_at, f"not within {within_s:.0f} s: {what}"
        await asyncio.sleep(0.02)
    return found


@contextlib.contextmanager
def frozen(rabbit: Rabbit) -> Iterator[None]:
    """The broker stands still: connections stay open and swallow what is sent."""
    pids = rabbit.pids()
    try:
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, services: Services) -> Iterator[Installation]:
    urls = {
        "DATABASE_URL": services.postgres_url(),
        "RABBITMQ_URL": services.rabbit.new_vhost(),
        "REDIS_URL": services.redis_url(),
    }
    with running("production", tmp_path_factory.mktemp("steps"), urls=urls) as found:
        for station_id in (STATION, SPOOLED):
            found.station(station_id, profile=0)
        yield found


@contextlib.asynccontextmanager
async def connected(place: Installation, station_id: str) -> AsyncIterator[tuple[Any, Seen]]:
    """A bare socket, and what it hears."""
    async with websockets.connect(
        f"{place.ocpp}/{station_id}",
        subprotocols=["ocpp1.6"],  # type: ignore[list-item]
    ) as socket:
        heard = Seen()

        async def listen() -> None:
            async for data in socket:
                kind, message_id, *_ = json.loads(data)
                heard.add({"kind": kind, "messageId": message_id})

        listening = asyncio.create_task(listen())
        try:
            yield socket, heard
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)


async def tell(socket: Any, message_id: str, status: str) -> float:
    """A StatusNotification, spread over lines as no writer of ours would write it; when it was sent."""
    payload = {"connectorId": 1, "errorCode": "NoError", "status": status, "info": f"now {status}"}
    await socket.send(json.dumps([2, message_id, "StatusNotification", payload], indent=2))
    return time.monotonic()


@contextlib.asynccontextmanager
async def taps(place: Installation) -> AsyncIterator[tuple[Seen, Seen, AbstractChannel]]:
    """Queues of our own on the ingress and on the facts; and a channel to look at theirs."""
    connection = await aio_pika.connect(place.env["RABBITMQ_URL"])
    async with connection:
        channel = await connection.channel()
        found: list[Seen] = []
        for exchange in (NAMES.ingress, NAMES.facts):
            queue = await channel.declare_queue(exclusive=True)
            await queue.bind(exchange, "#")
            seen = Seen()
            await queue.consume(_into(seen), no_ack=True)
            found.append(seen)
        yield found[0], found[1], channel


def _into(seen: Seen) -> Any:
    async def take(message: AbstractIncomingMessage) -> None:
        body = json.loads(message.body)
        for item in body if isinstance(body, list) else [body]:
            seen.add({**item, "exchange": message.exchange, "routingKey": message.routing_key})

    return take


async def waiting(channel: AbstractChannel, queue: str) -> int:
    """Messages that nobody has taken."""
    declared = await channel.declare_queue(queue, passive=True)
    return declared.declaration_result.message_count or 0


@contextlib.asynccontextmanager
async def browser(place: Installation) -> AsyncIterator[Seen]:
    """A Socket.IO client that is no code of ours, signed in as the platform's admin."""
    signed_in = place.client(ADMIN, PASSWORD)
    token = signed_in.headers["Authorization"].removeprefix("Bearer ")
    signed_in.close()
    client, seen = socketio.AsyncClient(), Seen()
    client.on("charger.status.changed", seen.add)
    await client.connect(place.api, auth={"token": token}, transports=["websocket"])
    try:
        yield seen
    finally:
        await client.disconnect()


def shown(place: Installation, station_id: str) -> str:
    query = "SELECT status FROM connector WHERE station_id = $1 AND connector_id = 1"
    return str(fetch(place.env["DATABASE_URL"], query, station_id)[0]["status"])


def logged(place: Installation, message_id: str) -> list[str]:
    query = "SELECT kind FROM charger_data WHERE message_id = $1 ORDER BY kind DESC"
    return [row["kind"] for row in fetch(place.env["DATABASE_URL"], query, message_id)]


@contextlib.asynccontextmanager
async def locked_connector(place: Installation) -> AsyncIterator[None]:
    """Nobody can write this connector's row meanwhile."""
    connection = await asyncpg.connect(place.env["DATABASE_URL"])
    try:
        async with connection.transaction():
            await connection.execute("SELECT 1 FROM connector WHERE station_id = $1 FOR UPDATE", STATION)
            yield
    finally:
        await connection.close()


async def walk(place: Installation, rabbit: Rabbit) -> dict[str, float]:
    """When each step was seen to have happened."""
    at: dict[str, float] = {}
    async with (
        taps(place) as (ingress, facts, channel),
        browser(place) as screen,
        connected(place, STATION) as (socket, heard),
    ):
        at["connect"], opened = await ingress.until("LinkOpened", deviceId=STATION, messageType="LinkOpened")
        assert opened["seq"] == 1
        await tell(socket, "before", "Available")
        await until(lambda: shown(place, STATION) == "Available", "the connector is known")
        await screen.until("Available on the screen", stationId=STATION, connectorId=1)
        for role in ("notification-worker", "ocpp-worker"):
            place.roles[role].stop()

        with frozen(rabbit):
            sent = await tell(socket, "watched", "Charging")
            await asyncio.sleep(HELD_S)
            is_silent = heard.find(messageId="watched") is None
            released = time.monotonic()
        assert is_silent or released - sent > CONFIRM_WITHIN_S, "answered before anything was durable"
        at["answer"], answer = await heard.until("the answer", messageId="watched")
        assert answer["kind"] == 3
        assert at["answer"] > released or released - sent > CONFIRM_WITHIN_S

        _, frame = await ingress.until("the frame on the exchange", messageId="watched")
        assert (frame["exchange"], frame["routingKey"]) == (NAMES.ingress, "ocpp.statusnotification")
        assert (frame["messageType"], frame["payload"]["status"]) == ("StatusNotification", "Charging")
        assert (frame["epoch"], frame["seq"], frame["answer"]) == (opened["epoch"], 3, {})
        # The confirm came after the release and before the answer; by then the frame was parsed, and lay in the
        # queues that the exchange had put it into.
        at |= {"parse": sent, "publish": released}
        for queue in (NAMES.ocpp_messages, NAMES.ocpp_logs):
            while not await waiting(channel, queue):
                await asyncio.sleep(0.02)
        at["exchange"] = at["queue"] = time.monotonic()
        assert (shown(place, STATION), logged(place, "watched")) == ("Available", [])

        async with locked_connector(place):
            place.roles["ocpp-worker"].start()
            while await waiting(channel, NAMES.ocpp_messages):
                await asyncio.sleep(0.02)
            at["consume"] = time.monotonic()
            await until(lambda: logged(place, "watched") == ["call", "answer"], "the frame is in the log")
            at["store"] = time.monotonic()
            assert shown(place, STATION) == "Available"
            assert _charging(facts) is None
        await until(lambda: shown(place, STATION) == "Charging", "the connector shows it")
        at["process"] = time.monotonic()

        fact = await until(lambda: _charging(facts), "the fact on its exchange")
        at["notify"] = time.monotonic()
        assert fact["exchange"] == NAMES.facts
        while not await waiting(channel, NAMES.notifications):
            await asyncio.sleep(0.02)
        assert screen.find(id=fact["id"]) is None

        place.roles["notification-worker"].start()
        at["emit"], event = await screen.until("the screen", id=fact["id"])
        assert (event["data"]["status"], event["sequence"]) == ("Charging", fact["sequence"])
    return at


def _charging(facts: Seen) -> dict[str, Any] | None:
    """The fact that the watched frame led to."""
    told = {"type": "charger.status.changed", "stationId": STATION, "connectorId": 1}
    found = [item for _, item in facts.items if told.items() <= item.items()]
    return next((item for item in found if item["data"].get("status") == "Charging"), None)


@pytest.mark.services
def test_the_eleven_steps_happen_in_order_and_the_publish_is_confirmed_before_the_answer(
    place: Installation, services: Services
) -> None:
    at = asyncio.run(walk(place, services.rabbit))
    assert set(at) == set(STEPS)
    assert sorted(STEPS, key=lambda step: (at[step], STEPS.index(step))) == STEPS, at


async def spool(place: Installation, rabbit: Rabbit) -> None:
    async with connected(place, SPOOLED) as (socket, heard):
        await tell(socket, "first", "Available")
        await until(lambda: shown(place, SPOOLED) == "Available", "the connector is known")
        with frozen(rabbit):
            sent = await tell(socket, "spooled", "Faulted")
            at, _ = await heard.until("an answer without a broker", messageId="spooled")
            kept = _in_spool(place)
            assert at - sent >= CONFIRM_WITHIN_S * 0.9
            assert any('"spooled"' in body for body in kept), "answered, and kept nowhere"
        await until(lambda: shown(place, SPOOLED) == "Faulted", "what was kept arrives")
        await until(lambda: logged(place, "spooled") == ["call", "answer"], "once, though it was sent twice")
        await until(lambda: not _in_spool(place), "the spool is empty again")


def _in_spool(place: Installation) -> list[str]:
    file = place.folder / "data" / "gateway" / "spool.db"
    with contextlib.closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as connection:
        return [bytes(body).decode() for (body,) in connection.execute("SELECT body FROM spool")]


@pytest.mark.services
def test_without_a_confirm_the_answer_waits_until_the_frame_is_on_the_gateways_own_disk(
    place: Installation, services: Services
) -> None:
    asyncio.run(spool(place, services.rabbit))
