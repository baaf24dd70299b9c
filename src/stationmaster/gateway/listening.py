"""How do sockets come in? picows' server, plus what its hook does not tell: the peer's address.

``picows.ws_create_server`` hands the factory only the request. The address is needed before the upgrade
(limits, refusals), so the protocol is made here, as picows makes it, with a subclass that remembers its peer.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final, Protocol

import aiofastnet
from picows import (
    WSAutoPingStrategy,
    WSListener,
    WSUpgradeRequest,
    WSUpgradeResponse,
    WSUpgradeResponseWithListener,
)
from picows.picows import WSProtocol  # type: ignore[attr-defined]

from stationmaster.gateway import limits
from stationmaster.gateway.admission import Refusal
from stationmaster.gateway.options import GatewayOptions

# An adapter, because for a plain Logger picows makes one child per connection.
_log: Final = logging.LoggerAdapter(logging.getLogger("picows.server"), {})


_IS_CLIENT: Final = False

HEALTH_PATH: Final = b"/health"
"""For load balancers, on the stations' own port: 200 while stations are let in, else 503."""


class Door(Protocol):
    """Who decides about connections."""

    @property
    def is_accepting(self) -> bool:
        """Are stations let in at all now?"""
        ...

    def may_connect(self, address: str) -> bool:
        """Is there room for one more socket?"""
        ...

    def left(self, address: str) -> None: ...

    def upgrade(
        self, path: bytes, headers: Mapping[str, str], offered: Sequence[str], address: str
    ) -> tuple[WSListener, str] | Refusal:
        """A listener and the sub-protocol, or no."""
        ...


class _StationProtocol(WSProtocol):  # type: ignore[misc]
    """One TCP connection."""

    def __init__(self, door: Door, connections: set[asyncio.Transport], *settings: object):
        super().__init__(None, None, _IS_CLIENT, self._upgrade, *settings)
        self._door, self._connections = door, connections
        self._address, self._counted = "", False
        self._tcp: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:
        super().connection_made(transport)
        self._tcp = transport
        self._connections.add(transport)
        peer = transport.get_extra_info("peername")
        self._address = str(peer[0]) if peer else ""
        self._counted = self._door.may_connect(self._address)
        if not self._counted:
            transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if self._tcp is not None:
            self._connections.discard(self._tcp)
            self._tcp = None
        if self._counted:
            self._counted = False
            self._door.left(self._address)

    def _upgrade(self, request: WSUpgradeRequest) -> WSUpgradeResponseWithListener:
        if request.path == HEALTH_PATH:
            return _health(self._door.is_accepting)
        offered = request.headers.getall("Sec-WebSocket-Protocol", [])
        answer = self._door.upgrade(request.path, request.headers, offered, self._address)
        if isinstance(answer, Refusal):
            return _refused(answer)
        listener, subprotocol = answer
        accepted = WSUpgradeResponse.create_101_response(
            extra_headers={"Sec-WebSocket-Protocol": subprotocol}
        )
        return WSUpgradeResponseWithListener(accepted, listener)


def _refused(refusal: Refusal) -> WSUpgradeResponseWithListener:
    """The status and nothing more: the reason is not for strangers."""
    status, headers = HTTPStatus(refusal.status), {}
    if status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = 'Basic realm="ocpp"'
    if status in {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}:
        headers["Retry-After"] = "30"
    body = f"{status.value} {status.phrase}\n".encode()
    return WSUpgradeResponseWithListener(WSUpgradeResponse.create_error_response(status, body, headers), None)


class Listener:
    """One listening address and the TCP connections that came through it, half-open handshakes included."""

    def __init__(self, server: Any, connections: set[asyncio.Transport]):
        self._server, self._connections = server, connections

    @property
    def port(self) -> int:
        return int(self._server.sockets[0].getsockname()[1])

    def close(self) -> None:
        """Take no more."""
        self._server.close()

    def abort(self) -> None:
        """Drop whoever is left."""
        for transport in list(self._connections):
            transport.abort()


def _health(is_accepting: bool) -> WSUpgradeResponseWithListener:
    if not is_accepting:
        return _refused(Refusal(503, "not_accepting"))
    return WSUpgradeResponseWithListener(WSUpgradeResponse.create_ok_response(b"ok\n"), None)


async def listen(door: Door, host: str, port: int, options: GatewayOptions) -> Listener:
    """Listening when it returns."""
    connections: set[asyncio.Transport] = set()
    server = await aiofastnet.create_server(
        asyncio.get_running_loop(),
        lambda: _StationProtocol(door, connections, *_picows_settings(options)),
        host=host,
        port=port,
        reuse_port=options.reuse_port or None,
        backlog=1024,
    )
    return Listener(server, connections)


def _picows_settings(options: GatewayOptions) -> tuple[object, ...]:
    """WSProtocol's arguments after the listener factory, in its order."""
    return (
        _log,
        True,  # a listener that raises loses its connection
        limits.HANDSHAKE_WITHIN_S,
        True,  # auto ping: after so long a silence, for so long
        options.ping_idle_s,
        options.ping_idle_s,
        WSAutoPingStrategy.PING_WHEN_IDLE,
        False,  # no auto pong: pings count against the station's rate
        limits.FRAME_BYTES_MAX,
        None,  # extra headers: a client's
        limits.READ_BUFFER_BYTES,
    )
