"""What does a message of ours look like in AMQP 0-9-1?

Encoded by hand where it is per message: the client's general encoder costs more than the whole pack. Read
with the client's own decoder.
"""

import struct
from datetime import datetime
from typing import Any, Final

import pamqp.encode
from aiormq.abc import DeliveredMessage

from stationmaster.infra.bus.ladder import EXPIRED
from stationmaster.infra.bus.packing import Pack, unpack
from stationmaster.infra.bus.port import REASON_HEADER, DeadLetter, Delivery
from stationmaster.kernel.clock import epoch_ms
from stationmaster.kernel.errors import Invalid

ATTEMPTS: Final = "x-attempts"
REASON: Final = REASON_HEADER
ROUTING_KEY: Final = "x-routing-key"
EXPIRES_AT: Final = "x-expires-at"
_OURS: Final = frozenset({ATTEMPTS, REASON, ROUTING_KEY, EXPIRES_AT})

_BASIC: Final = 60
_PUBLISH: Final = 40
_ACK: Final = 80
_MANDATORY: Final = b"\x01"
_METHOD, _HEADER, _BODY, _END = 1, 2, 3, b"\xce"

# Property flags, in the order in which the values follow (AMQP 0-9-1, 4.2.6.1 and basic class).
_CONTENT_TYPE, _HEADERS, _DELIVERY_MODE, _PRIORITY = 1 << 15, 1 << 13, 1 << 12, 1 << 11
_CORRELATION_ID, _EXPIRATION, _MESSAGE_ID, _TIMESTAMP = 1 << 10, 1 << 8, 1 << 7, 1 << 6
_PERSISTENT: Final = b"\x02"
_JSON: Final = b"\x10application/json"


def publish_frames(pack: Pack, *, channel: int, tag: int, now: datetime, body_max: int) -> bytes:
    """Method, header and body frames, ready for the socket: persistent and mandatory.

    ``tag`` goes along as correlation id, so that a return names its publish beyond doubt (two publishes may
    carry the same message id, when the first was unknown).
    """
    message = pack.message
    method = b"".join((
        struct.pack(">HHH", _BASIC, _PUBLISH, 0),
        _short(message.exchange), _short(message.routing_key), _MANDATORY,
    ))  # fmt: skip
    header = struct.pack(">HHQ", _BASIC, 0, len(pack.body)) + _properties(pack, tag, now)
    frames = [_frame(_METHOD, channel, method), _frame(_HEADER, channel, header)]
    body = pack.body
    frames.extend(_frame(_BODY, channel, body[at : at + body_max]) for at in range(0, len(body), body_max))
    return b"".join(frames)


def ack_frame(tag: int, *, channel: int) -> bytes:
    """Everything up to and with this delivery is settled."""
    return _frame(_METHOD, channel, struct.pack(">HHQB", _BASIC, _ACK, tag, 1))


def _frame(kind: int, channel: int, payload: bytes) -> bytes:
    return struct.pack(">BHI", kind, channel, len(payload)) + payload + _END


def _short(text: str) -> bytes:
    encoded = text.encode()
    if len(encoded) > 255:
        raise Invalid("name_too_long", f"more than 255 bytes: {text[:40]}...")
    return bytes((len(encoded),)) + encoded


def _properties(pack: Pack, tag: int, now: datetime) -> bytes:
    message, headers = pack.message, _headers(pack, now)
    flags = _CONTENT_TYPE | _DELIVERY_MODE | _PRIORITY | _CORRELATION_ID | _MESSAGE_ID | _TIMESTAMP
    parts = [_JSON]
    if headers:
        flags |= _HEADERS
        parts.append(pamqp.encode.field_table(headers))
    parts += [_PERSISTENT, bytes((message.priority,)), _short(str(tag))]
    if message.expires_in_s is not None:
        flags |= _EXPIRATION
        parts.append(_short(str(max(0, round(message.expires_in_s * 1000)))))
    parts += [_short(message.message_id[:255]), struct.pack(">Q", int(now.timestamp()))]
    return struct.pack(">H", flags) + b"".join(parts)


def _headers(pack: Pack, now: datetime) -> dict[str, Any]:
    headers: dict[str, Any] = dict(pack.message.headers)
    if pack.attempts > 1:
        headers[ATTEMPTS] = pack.attempts
    if pack.reason:
        headers[REASON] = pack.reason[:500]
    if pack.origin:
        headers[ROUTING_KEY] = pack.origin
    if pack.expires_at is not None:
        headers[EXPIRES_AT] = round(pack.expires_at * 1000)
    elif pack.message.expires_in_s is not None:
        headers[EXPIRES_AT] = epoch_ms(now) + round(pack.message.expires_in_s * 1000)
    return headers


def delivery_of(queue: str, message: DeliveredMessage, *, now: datetime) -> Delivery:
    """Poison and what came too late have their verdict already (``dead``)."""
    properties = message.header.properties
    headers: dict[str, Any] = properties.headers or {}
    delivery = Delivery(
        queue=queue, routing_key=str(headers.get(ROUTING_KEY) or message.routing_key or ""), items=[],
        message_id=properties.message_id or "", attempts=_attempts(headers),
        redelivered=bool(message.redelivered),
        headers={key: value for key, value in headers.items() if isinstance(value, str) and key not in _OURS},
        tag=message,
    )  # fmt: skip
    try:
        delivery.items = unpack(message.body)
    except Invalid as error:
        delivery.dead(error.message)
    expires_at = headers.get(EXPIRES_AT)
    if isinstance(expires_at, int) and expires_at <= epoch_ms(now):
        delivery.dead(EXPIRED)
    return delivery


def expires_at(message: DeliveredMessage) -> float | None:
    """Seconds since 1970, when the message has an end at all."""
    value = (message.header.properties.headers or {}).get(EXPIRES_AT)
    return value / 1000 if isinstance(value, int) else None


def dead_letter_of(queue: str, message: DeliveredMessage) -> DeadLetter:
    """Whether we set it aside (x-reason) or the broker did (x-death)."""
    headers: dict[str, Any] = message.header.properties.headers or {}
    deaths: list[dict[str, Any]] = headers.get("x-death") or [{}]
    try:
        items = unpack(message.body)
    except Invalid:
        items = [message.body]
    keys = deaths[0].get("routing-keys") or [queue]
    return DeadLetter(
        key=message.header.properties.message_id or str(message.delivery_tag), queue=queue,
        routing_key=str(headers.get(ROUTING_KEY) or keys[0]), items=items,
        reason=str(headers.get(REASON) or deaths[0].get("reason") or "unknown"), attempts=_attempts(headers),
    )  # fmt: skip


def _attempts(headers: dict[str, Any]) -> int:
    value = headers.get(ATTEMPTS)
    return value if isinstance(value, int) and value > 0 else 1
