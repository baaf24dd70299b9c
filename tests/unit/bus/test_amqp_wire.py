"""Our hand-written frames, read by the client library's own decoder."""

from datetime import UTC, datetime
from typing import Any

import pamqp.frame
import pytest

from stationmaster.infra.bus.amqp_wire import ack_frame, publish_frames
from stationmaster.infra.bus.packing import Pack
from stationmaster.infra.bus.port import Message
from stationmaster.kernel.errors import Invalid

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def decoded(frames: bytes) -> list[Any]:
    found: list[Any] = []
    while frames:
        consumed, channel, frame = pamqp.frame.unmarshal(frames)
        assert channel == 7
        found.append(frame)
        frames = frames[consumed:]
    return found


def sent(pack: Pack, *, body_max: int = 1000) -> list[Any]:
    return decoded(publish_frames(pack, channel=7, tag=42, now=NOW, body_max=body_max))


def test_a_publish_is_persistent_mandatory_and_named() -> None:
    message = Message("ev_charging_events", "ocpp.boot", b"", "é1", priority=6, headers={"traceparent": "00"})
    publish, header, body = sent(Pack(message, [], b'[{"a":1}]'))
    assert (publish.exchange, publish.routing_key) == ("ev_charging_events", "ocpp.boot")
    assert (publish.mandatory, publish.immediate) == (True, False)
    assert (header.body_size, body.value) == (9, b'[{"a":1}]')
    properties = header.properties
    assert (properties.delivery_mode, properties.priority, properties.message_id) == (2, 6, "é1")
    assert (properties.correlation_id, properties.content_type) == ("42", "application/json")
    assert (properties.timestamp, properties.headers) == (NOW, {"traceparent": "00"})
    assert properties.expiration is None


def test_an_end_is_told_to_the_broker_and_written_down() -> None:
    _publish, header, _body = sent(Pack(Message("", "q", b"", "i", expires_in_s=1.5), [], b"[]"))
    assert header.properties.expiration == "1500"
    assert header.properties.headers == {"x-expires-at": int(NOW.timestamp() * 1000) + 1500}


def test_a_redelivery_carries_its_history() -> None:
    pack = Pack(
        Message("", "q.dead", b"", "i"),
        [],
        b"[]",
        attempts=3,
        reason="r" * 900,
        origin="ocpp.x",
        expires_at=5.0,
    )
    _publish, header, _body = sent(pack)
    assert header.properties.headers == {
        "x-attempts": 3, "x-reason": "r" * 500, "x-routing-key": "ocpp.x", "x-expires-at": 5000,
    }  # fmt: skip


def test_a_large_body_is_cut_into_frames() -> None:
    body = b"[" + b"1," * 1500 + b"1]"
    frames = sent(Pack(Message("", "q", b"", "i"), [], body), body_max=1000)
    assert b"".join(frame.value for frame in frames[2:]) == body
    assert max(len(frame.value) for frame in frames[2:]) == 1000


def test_a_name_longer_than_amqp_allows_is_refused() -> None:
    with pytest.raises(Invalid):
        sent(Pack(Message("x" * 256, "q", b"", "i"), [], b"[]"))


def test_an_acknowledgement_settles_everything_up_to_it() -> None:
    [ack] = decoded(ack_frame(2**40, channel=7))
    assert (ack.delivery_tag, ack.multiple) == (2**40, True)
