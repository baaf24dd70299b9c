"""Socket.IO: who may listen, in which rooms, and the way a fact takes to them."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import socketio
import structlog
from prometheus_client import Counter, Gauge
from socketio.exceptions import ConnectionRefusedError as Refused

from stationmaster.contracts.facts import Fact, decode
from stationmaster.infra.bus.port import Delivery
from stationmaster.realtime.feeds import body_of, rooms_of

log = structlog.get_logger()

CLIENTS = Gauge("stationmaster_browser_connections", "Socket.IO clients connected to this process")
EMITTED = Counter("stationmaster_browser_events_total", "Facts emitted to browsers", ["type"])

WATCHED_MAX = 200
"""Stations one client may watch: a screenful many times over."""

BUFFER_MAX_BYTES = 64 * 1024
"""A client has nothing to say that is longer."""


@dataclass(frozen=True, slots=True)
class Viewer:
    """Somebody who was let in, and the rooms the server puts them into."""

    person_id: str
    rooms: tuple[str, ...]


Authenticate = Callable[[Mapping[str, Any], Mapping[str, Any] | None], Awaitable[Viewer | None]]
"""(environ, auth) -> Viewer, or None to refuse. Supplied by compose: this room knows no people."""


class Emitter:
    """Turns deliveries of `notifications` into Socket.IO events. Works with any manager, also write-only."""

    def __init__(self, manager: Any):
        self._manager = manager

    async def consume(self, deliveries: Sequence[Delivery]) -> None:
        for delivery in deliveries:
            for item in delivery.items:
                await self.emit(decode(item))

    async def emit(self, fact: Fact) -> None:
        """The named event, and the generic `notification` for whoever asked for it."""
        body, rooms = body_of(fact), rooms_of(fact)
        await self._manager.emit(fact.type, body, namespace="/", room=rooms)
        await self._manager.emit(
            "notification", body, namespace="/", room=[f"{room}+generic" for room in rooms]
        )
        EMITTED.labels(fact.type).inc()


class BrowserServer:
    """The Socket.IO server of an API process."""

    def __init__(self, *, authenticate: Authenticate, manager: Any | None, origins: list[str]):
        self.sio = socketio.AsyncServer(
            async_mode="asgi",
            client_manager=manager,
            cors_allowed_origins=origins or None,  # None: same origin only
            max_http_buffer_size=BUFFER_MAX_BYTES,
        )
        self._authenticate = authenticate
        self._inside: dict[str, tuple[dict[str, Any], dict[str, Any] | None, Viewer]] = {}
        self._watched: dict[str, set[str]] = {}
        self.sio.on("connect", self._connect)
        self.sio.on("disconnect", self._disconnect)
        self.sio.on("watch", self._watch)
        self.sio.on("unwatch", self._unwatch)

    @property
    def manager(self) -> Any:
        return self.sio.manager

    def asgi(self, inner: Any) -> Any:
        return socketio.ASGIApp(self.sio, inner)

    async def _connect(self, sid: str, environ: dict[str, Any], auth: dict[str, Any] | None = None) -> None:
        viewer = await self._authenticate(environ, auth)
        if viewer is None:
            raise Refused("unauthorised")
        # The generic `notification` doubles the traffic, so a client may say that it does not want it.
        suffixes = ("",) if (auth or {}).get("generic") is False else ("", "+generic")
        for room in viewer.rooms:
            for suffix in suffixes:
                await self.sio.enter_room(sid, room + suffix)
        self._inside[sid] = (environ, auth, viewer)
        CLIENTS.set(len(self._inside))

    async def _disconnect(self, sid: str, _reason: str = "") -> None:
        self._inside.pop(sid, None)
        self._watched.pop(sid, None)
        CLIENTS.set(len(self._inside))

    async def recheck(self) -> None:
        """Who signed out, was disabled or moved since they connected hears no more. To be called now and then."""
        for sid, (environ, auth, viewer) in list(self._inside.items()):
            if await self._authenticate(environ, auth) != viewer:
                await self.sio.disconnect(sid)

    async def _watch(self, sid: str, station_id: object = None) -> dict[str, Any]:
        """Hear a station's public status. Nothing private is sent to these rooms."""
        if not isinstance(station_id, str) or len(station_id) > 48:
            return {"ok": False, "code": "bad_station_id"}
        watched = self._watched.setdefault(sid, set())
        if len(watched) >= WATCHED_MAX:
            return {"ok": False, "code": "too_many"}
        watched.add(station_id)
        await self.sio.enter_room(sid, f"station:{station_id}")
        return {"ok": True}

    async def _unwatch(self, sid: str, station_id: object = None) -> dict[str, Any]:
        if isinstance(station_id, str):
            self._watched.get(sid, set()).discard(station_id)
            await self.sio.leave_room(sid, f"station:{station_id}")
        return {"ok": True}
