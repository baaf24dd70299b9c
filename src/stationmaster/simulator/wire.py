"""How does a simulated station reach its CSMS? A real WebSocket client, as thin as it gets."""

import base64
from collections.abc import Awaitable, Callable
from typing import Protocol
from urllib.parse import quote

from picows import (
    WSError,
    WSFrame,
    WSInvalidStatusError,
    WSInvalidURL,
    WSListener,
    WSMsgType,
    WSTransport,
    WSUpgradeRequest,
    WSUpgradeResponse,
    ws_connect,
)

from stationmaster.ocpp.subprotocol import OCPP_16

PONG_WITHIN_S = 10.0
CONNECT_WITHIN_S = 10.0


class CannotConnect(Exception):
    """The CSMS was not reached, or refused us; ``status`` is its HTTP status, 0 for none."""

    def __init__(self, reason: str, status: int = 0):
        super().__init__(reason)
        self.status = status


class Receiver(Protocol):
    """Who hears what comes in; attached before the first byte can arrive."""

    def connected(self, wire: "Wire") -> None: ...

    def received(self, data: bytes) -> None:
        """A whole message."""
        ...

    def lost(self) -> None:
        """The connection is gone."""
        ...


class Wire(Protocol):
    """An open connection."""

    def send(self, data: bytes) -> None: ...

    def close(self) -> None: ...

    def drop(self) -> None:
        """Vanish without a closing handshake."""
        ...


Dial = Callable[[Receiver], Awaitable[None]]
"""Connects a receiver; raises CannotConnect."""


def station_url(base: str, station_id: str) -> str:
    """`ws://host/ws/ocpp/16` and the identity, percent-encoded (OCPP-J 1.6, 3.1.1)."""
    return f"{base.rstrip('/')}/{quote(station_id, safe='')}"


def basic_authorization(station_id: str, password: str | bytes) -> str:
    """The Authorization header; passwords may be binary (OCPP-J 1.6, 6.2.2)."""
    secret = password.encode() if isinstance(password, str) else password
    return "Basic " + base64.b64encode(station_id.encode() + b":" + secret).decode()


class _Listener(WSListener):
    """Joins fragments, hands text on."""

    def __init__(self, receiver: Receiver):
        self._receiver = receiver
        self._parts: list[bytes] = []

    def on_ws_connected(self, transport: WSTransport) -> None:
        self._receiver.connected(_PicowsWire(transport))

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type is WSMsgType.TEXT or frame.msg_type is WSMsgType.CONTINUATION:
            self._parts.append(frame.get_payload_as_bytes())
            if frame.fin:
                whole = b"".join(self._parts)
                self._parts.clear()
                self._receiver.received(whole)
        elif frame.msg_type is WSMsgType.CLOSE:
            transport.send_close(frame.get_close_code(), frame.get_close_message())
            transport.disconnect()

    def on_ws_disconnected(self, transport: WSTransport) -> None:  # noqa: ARG002
        self._receiver.lost()


class _PicowsWire:
    def __init__(self, transport: WSTransport):
        self._transport = transport

    def send(self, data: bytes) -> None:
        self._transport.send(WSMsgType.TEXT, data)

    def close(self) -> None:
        self._transport.send_close()
        self._transport.disconnect()

    def drop(self) -> None:
        self._transport.disconnect(graceful=False)


async def dial(
    url: str, receiver: Receiver, *, station_id: str, password: str | bytes | None, ping_s: float
) -> None:
    """Connect; raises CannotConnect."""
    headers = {"Sec-WebSocket-Protocol": OCPP_16}
    if password is not None:
        headers["Authorization"] = basic_authorization(station_id, password)

    def listener(_request: WSUpgradeRequest, response: WSUpgradeResponse) -> WSListener:
        spoken = response.headers.get("Sec-WebSocket-Protocol")
        if spoken != OCPP_16:
            raise CannotConnect(f"sub-protocol {spoken!r} instead of {OCPP_16}")
        return _Listener(receiver)

    try:
        _, opened = await ws_connect(
            listener,
            station_url(url, station_id),
            extra_headers=headers,
            websocket_handshake_timeout=CONNECT_WITHIN_S,
            enable_auto_ping=ping_s > 0,
            auto_ping_idle_timeout=ping_s,
            auto_ping_reply_timeout=min(ping_s, PONG_WITHIN_S),
            read_buffer_init_size=2048,
        )
    except WSInvalidStatusError as error:
        status = error.response.status if error.response is not None else 0
        raise CannotConnect(f"refused: {status}", int(status)) from None
    except (OSError, WSError, WSInvalidURL, TimeoutError) as error:
        raise CannotConnect(f"{type(error).__name__}: {error}") from None
    if opened is None:  # the library says nothing when the other side goes before it has answered
        raise CannotConnect("closed during the handshake")
