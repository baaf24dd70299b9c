"""What does a station's WebSocket do below OCPP: fragments, encoding, sizes, pauses, pings, closing?

The listener exists before the upgrade is answered, so the first frame finds it; what arrives before the link
is open waits here in order.
"""

import asyncio
from collections.abc import Callable
from typing import Final, Protocol

from picows import WSCloseCode, WSFrame, WSListener, WSMsgType, WSTransport

from stationmaster.gateway import limits
from stationmaster.gateway.admission import Candidate

# Why reading is paused; it goes on when no reason is left.
OPENING: Final = 1
IN_FLIGHT: Final = 2
TOO_FAST: Final = 4
NOT_READ: Final = 8
ENDING: Final = 16

_TEXT: Final = WSMsgType.TEXT
_CONTINUATION: Final = WSMsgType.CONTINUATION
_BINARY: Final = WSMsgType.BINARY
_PING: Final = WSMsgType.PING
_PONG: Final = WSMsgType.PONG
_CLOSE: Final = WSMsgType.CLOSE


class Receiver(Protocol):
    """Who hears what the socket received."""

    def on_text(self, data: bytes) -> None: ...

    def on_ping(self) -> None:
        """It is answered; how many of them are too many?"""
        ...

    def on_unreadable(self, data: bytes, reason: str) -> None:
        """Not text, or no UTF-8: recorded, and the socket closes."""
        ...

    def on_closed(self, code: int, reason: str) -> None: ...


class StationSocket(WSListener):
    """One connection. ``candidate`` is who claims to be at the other end."""

    __slots__ = (
        "_close_timer",
        "_close_told",
        "_early",
        "_early_bytes",
        "_heard",
        "_on_connected",
        "_parts",
        "_parts_bytes",
        "_paused",
        "_receiver",
        "_slow_timer",
        "_transport",
        "candidate",
        "is_closed",
        "is_closing",
    )  # fmt: skip

    def __init__(self, candidate: Candidate, on_connected: Callable[["StationSocket"], None]):
        self.candidate = candidate
        self.is_closing = self.is_closed = False
        self._on_connected: Callable[[StationSocket], None] | None = on_connected
        self._transport: WSTransport | None = None
        self._receiver: Receiver | None = None
        self._early: list[bytes] = []
        self._early_bytes = 0
        self._parts: list[bytes] = []
        self._parts_bytes = 0
        self._paused = 0
        self._heard: asyncio.Future[None] | None = None
        self._close_told: tuple[int, str] | None = None
        self._close_timer: asyncio.TimerHandle | None = None
        self._slow_timer: asyncio.TimerHandle | None = None

    # Towards the link.

    def bind(self, receiver: Receiver) -> None:
        """Admitted: hand over what came early, in order, then everything as it comes."""
        self._receiver = receiver
        early, self._early, self._early_bytes = self._early, [], 0
        for data in early:
            receiver.on_text(data)
        self.resume(OPENING)

    def send(self, data: bytes) -> None:
        if self._transport is not None and not self.is_closing:
            self._transport.send(_TEXT, data)

    def pause(self, why: int) -> None:
        if self.is_closing or self._transport is None:
            return
        if self._paused == 0:
            self._transport.underlying_transport.pause_reading()
        self._paused |= why

    def resume(self, why: int) -> None:
        if not self._paused & why:
            return
        self._paused &= ~why
        if self._paused == 0 and self._transport is not None and not self.is_closed:
            self._transport.underlying_transport.resume_reading()

    def close(self, code: int, reason: str) -> None:
        """Say goodbye; the other side has two seconds to say it too."""
        if self.is_closing or self.is_closed or self._transport is None:
            return
        self._begin_closing(code, reason)
        self._transport.send_close(WSCloseCode(code), reason)
        loop = asyncio.get_running_loop()
        self._close_timer = loop.call_later(limits.CLOSE_WITHIN_S, self.drop)

    def drop(self) -> None:
        """Without a goodbye, or after one that was not answered."""
        if self._transport is not None and not self.is_closed:
            self._begin_closing(1006, "dropped")
            self._transport.disconnect(graceful=False)

    def _begin_closing(self, code: int, reason: str) -> None:
        self.is_closing = True
        self._close_told = self._close_told or (code, reason)
        if self._paused and self._transport is not None:
            self._transport.underlying_transport.resume_reading()
        self._paused = 0

    async def is_alive(self, within_s: float) -> bool:
        """Ping, and see whether anything at all comes back in time."""
        if self.is_closed or self.is_closing or self._transport is None:
            return False
        if self._heard is None:
            self._heard = asyncio.get_running_loop().create_future()
        heard = self._heard
        if self._paused:  # Its pong would never be read.
            self._transport.underlying_transport.resume_reading()
            self._paused = 0
        self._transport.send_ping(b"still there?")
        done, _ = await asyncio.wait([heard], timeout=within_s)
        return bool(done) and not self.is_closed

    # From picows. None of these may raise: a raised error closes the socket with 1011.

    def on_ws_connected(self, transport: WSTransport) -> None:
        self._transport = transport
        transport.request.headers.clear()  # nobody reads them any more; they would stay for the link's life
        connected, self._on_connected = self._on_connected, None
        if connected is not None:
            connected(self)

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if self._heard is not None:
            self._was_heard()
        kind = frame.msg_type
        if transport.is_close_frame_sent and kind != _CLOSE:
            return  # picows goes on parsing after it closed for an error of its own
        if kind == _TEXT and frame.fin and not self._parts:
            if not self.is_closing:
                self._take(frame.get_payload_as_bytes())
        elif kind == _PING:
            transport.send_pong(frame.get_payload_as_bytes())
            if self._receiver is not None:
                self._receiver.on_ping()
        elif kind == _CLOSE:
            self._on_close_frame(transport, frame)
        elif kind in {_TEXT, _CONTINUATION} and not self.is_closing:
            self._on_fragment(kind, frame)
        elif kind == _BINARY and not self.is_closing:
            self._unreadable(frame.get_payload_as_bytes(), 1003, "binary frames are not spoken here")

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        self.is_closed = self.is_closing = True
        for timer in (self._close_timer, self._slow_timer):
            if timer is not None:
                timer.cancel()
        self._was_heard()
        self._early.clear()
        receiver, self._receiver = self._receiver, None
        if receiver is not None:
            receiver.on_closed(*(self._close_told or _picows_word(transport)))

    def is_user_specific_pong(self, frame: WSFrame) -> bool:
        """Asked for every frame while picows awaits a pong: anything is a sign of life, only a pong is
        swallowed.
        """
        if self._heard is not None:
            self._was_heard()
        if frame.msg_type == _PONG:
            return True
        if self._transport is not None:
            self._transport.notify_user_specific_pong_received()
        return False

    def pause_writing(self) -> None:
        """The station does not read: take nothing more from it, and drop it when that lasts."""
        self.pause(NOT_READ)
        if self._slow_timer is None and not self.is_closed:
            self._slow_timer = asyncio.get_running_loop().call_later(limits.SLOW_READER_S, self.drop)

    def resume_writing(self) -> None:
        if self._slow_timer is not None:
            self._slow_timer.cancel()
            self._slow_timer = None
        self.resume(NOT_READ)

    # Details.

    def _take(self, data: bytes) -> None:
        if not data.isascii() and not _is_utf8(data):
            self._unreadable(data, 1007, "not UTF-8")
        elif self._receiver is not None:
            self._receiver.on_text(data)
        else:
            self._keep_early(data)

    def _keep_early(self, data: bytes) -> None:
        self._early.append(data)
        self._early_bytes += len(data)
        if self._early_bytes > limits.EARLY_BYTES_MAX:
            self.close(1008, "too much before admission")
        elif len(self._early) >= limits.IN_FLIGHT_MAX:
            self.pause(OPENING)

    def _on_fragment(self, kind: WSMsgType, frame: WSFrame) -> None:
        """RFC 6455, 5.4: a message's first fragment names its kind, the others continue it."""
        if (kind == _CONTINUATION) != bool(self._parts):
            self.close(1002, "fragments out of order")
            return
        self._parts.append(frame.get_payload_as_bytes())
        self._parts_bytes += frame.payload_size
        if self._parts_bytes > limits.FRAME_BYTES_MAX or len(self._parts) > limits.FRAGMENTS_MAX:
            self._parts.clear()
            self.close(1009, "message too big")
        elif frame.fin:
            data, self._parts, self._parts_bytes = b"".join(self._parts), [], 0
            self._take(data)

    def _unreadable(self, data: bytes, code: int, reason: str) -> None:
        if self._receiver is not None:
            self._receiver.on_unreadable(data[: limits.FRAME_BYTES_MAX], reason)
        self.close(code, reason)

    def _on_close_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if not self.is_closing:
            self._begin_closing(*_close_word(frame.get_payload_as_bytes()))
        if not transport.is_close_frame_sent:
            transport.send_close(WSCloseCode.OK)
        transport.disconnect()

    def _was_heard(self) -> None:
        heard, self._heard = self._heard, None
        if heard is not None and not heard.done():
            heard.set_result(None)


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _close_word(payload: bytes) -> tuple[int, str]:
    """RFC 6455, 7.4.1: 1005 is "no status received"."""
    if len(payload) < 2:
        return 1005, ""
    return int.from_bytes(payload[:2], "big"), payload[2:].decode("utf-8", "replace")


def _picows_word(transport: WSTransport) -> tuple[int, str]:
    """picows itself closed (too big, protocol error, no pong), or the connection just broke."""
    handshake = getattr(transport, "close_handshake", None)  # None until somebody closed
    told = None if handshake is None else handshake.sent
    return (1006, "") if told is None else (int(told.code.value), told.reason)
