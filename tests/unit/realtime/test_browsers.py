"""A Socket.IO server on a real socket: who is let in, what they hear, and when they are shown out."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Self

import pytest
import socketio

from stationmaster.compose.http_server import HttpServer
from stationmaster.contracts import facts
from stationmaster.contracts.facts import Fact
from stationmaster.realtime.server import WATCHED_MAX, BrowserServer, Emitter, Viewer

LOGINS = {"admin": ("all",), "asha": ("driver:1",), "omkar": ("org:1",)}


async def _authenticate(_environ: Any, auth: Any) -> Viewer | None:
    name = (auth or {}).get("token", "")
    return Viewer(name, LOGINS[name]) if name in LOGINS else None


async def _nothing(_scope: Any, _receive: Any, _send: Any) -> None: ...


@asynccontextmanager
async def a_server() -> AsyncIterator[tuple[BrowserServer, str]]:
    server, http = BrowserServer(authenticate=_authenticate, manager=None, origins=[]), HttpServer()
    port = await http.start(server.asgi(_nothing), "127.0.0.1", 0)
    try:
        yield server, f"http://127.0.0.1:{port}"
    finally:
        await http.stop()


class Ear:
    """A client that keeps what it hears."""

    def __init__(self) -> None:
        self.client = socketio.AsyncClient(reconnection=False)
        self.heard: asyncio.Queue[tuple[str, dict[str, Any]]] = asyncio.Queue()
        self.gone = asyncio.Event()
        self.client.on("*", lambda event, body: self.heard.put_nowait((event, body)))
        self.client.on("disconnect", lambda *_: self.gone.set())

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.client.disconnect()

    async def connect(self, url: str, name: str, **auth: Any) -> None:
        await self.client.connect(url, auth={"token": name, **auth}, wait_timeout=10)

    async def next(self) -> tuple[str, dict[str, Any]]:
        return await asyncio.wait_for(self.heard.get(), 10)


def _fact(**values: Any) -> Fact:
    return Fact(
        id="fact_1", type=values.pop("type", facts.SESSION_UPDATED), at="2026-01-01T00:00:00.000Z", **values
    )


@pytest.mark.anyio
async def test_strangers_are_not_let_in() -> None:
    async with a_server() as (_, url), Ear() as ear:
        with pytest.raises(socketio.exceptions.ConnectionError):
            await ear.connect(url, "nobody")


@pytest.mark.anyio
async def test_each_hears_their_own_once_and_nothing_else() -> None:
    async with a_server() as (server, url), Ear() as asha, Ear() as admin:
        await asha.connect(url, "asha", generic=False)
        await admin.connect(url, "admin", generic=False)
        emitter = Emitter(server.manager)
        await emitter.emit(_fact(driver_id="2", session_id="other"))
        await emitter.emit(_fact(driver_id="1", session_id="mine"))
        event, body = await asha.next()
        assert (event, body["sessionId"]) == (facts.SESSION_UPDATED, "mine")
        assert [(await admin.next())[1]["sessionId"] for _ in range(2)] == ["other", "mine"]
        assert asha.heard.empty()


@pytest.mark.anyio
async def test_the_generic_event_has_the_content_as_its_body() -> None:
    async with a_server() as (server, url), Ear() as admin:
        await admin.connect(url, "admin")
        await Emitter(server.manager).emit(_fact(session_id="s"))
        heard = dict([await admin.next(), await admin.next()])
        assert heard["notification"] == heard[facts.SESSION_UPDATED]


@pytest.mark.anyio
async def test_who_signed_out_hears_no_more() -> None:
    async with a_server() as (server, url), Ear() as omkar:
        await omkar.connect(url, "omkar")
        await server.recheck()
        assert omkar.client.connected
        rooms = LOGINS.pop("omkar")
        try:
            await server.recheck()
            await asyncio.wait_for(omkar.gone.wait(), 10)
        finally:
            LOGINS["omkar"] = rooms


@pytest.mark.anyio
async def test_a_driver_may_watch_some_stations_and_only_their_status() -> None:
    async with a_server() as (server, url), Ear() as asha:
        await asha.connect(url, "asha", generic=False)
        assert await asha.client.call("watch", "CP1", timeout=10) == {"ok": True}
        emitter = Emitter(server.manager)
        await emitter.emit(_fact(station_id="CP1", session_id="private"))
        await emitter.emit(_fact(type=facts.CHARGER_STATUS_CHANGED, station_id="CP1"))
        assert (await asha.next())[0] == facts.CHARGER_STATUS_CHANGED
        for number in range(WATCHED_MAX - 1):
            assert (await asha.client.call("watch", f"X{number}", timeout=10))["ok"]
        assert (await asha.client.call("watch", "ONE-TOO-MANY", timeout=10))["code"] == "too_many"
        assert (await asha.client.call("watch", {"no": "id"}, timeout=10))["code"] == "bad_station_id"
