"""What does a station get for bad, odd and too many frames?"""

import asyncio
import contextlib

import msgspec
import pytest
from tests.unit.gateway.kit import record, until, world
from websockets.exceptions import ConnectionClosed, InvalidMessage

from stationmaster.gateway.rates import Bucket, Window

pytestmark = pytest.mark.anyio


async def test_a_heartbeat_waits_for_nothing_and_takes_no_seq() -> None:
    async with world() as w:
        station = await w.station()
        await w.frames(1)
        w.bus.held = True
        await station.ask("MeterValues")
        heard = await station.call("Heartbeat")
        assert heard[:2] == [3, "2"]
        assert heard[2]["currentTime"].endswith("Z")
        w.bus.release()
        assert (await station.hear())[1] == "1"
        assert [frame.message_type for frame in w.bus.envelopes()] == ["LinkOpened", "MeterValues"]


async def test_a_storm_of_heartbeats_is_counted_and_costs_one_message() -> None:
    async with world(heartbeats_every_s=3600, frames_per_s=0) as w:
        station = await w.station()
        for _ in range(500):
            await station.ask("Heartbeat")
        assert [(await station.hear())[1] for _ in range(500)][-1] == "500"
        await w.gateway._flush_heartbeats()
        await until(lambda: w.bus.published[-1].routing_key == "log.heartbeats")
        told = msgspec.json.decode(w.bus.published[-1].body)
        assert (told["kind"], told["gatewayId"], told["counts"]) == ("heartbeats", "gw-test", {"CP-1": 500})
        assert len(w.bus.published) == 2


async def test_with_capture_a_heartbeat_is_a_frame_like_any_other() -> None:
    async with world() as w:
        w.directory.stations["CP-1"] = record("CP-1", capture=True)
        station = await w.station()
        assert (await station.call("Heartbeat"))[2]["currentTime"]
        frame = (await w.frames(2))[1]
        assert (frame.message_type, frame.seq) == ("Heartbeat", 2)
        assert msgspec.json.decode(frame.answer)["currentTime"]


@pytest.mark.parametrize(
    "junk",
    [b"", b"junk", b"{}", b"[]", b"[5]", b"[" * 30_000, b"[2]", b'[2,1,"Heartbeat",{}]', b"\xef\xbb\xbf[]",
     b'[3,"nobody asked",{}]', b'[4,"nobody asked","GenericError","",{}]', b"[1e999]", b"null", b"[NaN]"],
)  # fmt: skip
async def test_junk_keeps_the_link_and_is_on_record(junk: bytes) -> None:
    async with world() as w:
        station = await w.station()
        await station.socket.send(junk.decode(), text=True)
        assert (await station.call("MeterValues"))[0] == 3
        frames = await w.frames(3)
        assert [frame.seq for frame in frames] == [1, 2, 3]
        assert frames[1].kind in {"invalid", "result", "error"}
        raw = msgspec.json.decode(frames[1].raw_data)
        if frames[1].kind == "invalid":
            assert raw == junk.decode()
            assert msgspec.json.decode(frames[1].payload)["errorCode"]


@pytest.mark.parametrize(
    ("frame", "code", "kind"),
    [
        ('[2,"7","Heartbeat"]', "ProtocolError", "invalid"),
        ('[2,"7","MeterValues",{"a":1,"a":2}]', "FormationViolation", "invalid"),
        ('[2,"7","MeterValues",{"a":"\\u0000"}]', "FormationViolation", "invalid"),
        ('[2,"7","MeterValues",[]]', "FormationViolation", "invalid"),
        ('[2,"7","MakeCoffee",{}]', "NotImplemented", "call"),
        ('[2,"7","RemoteStartTransaction",{}]', "NotImplemented", "call"),
    ],
)
async def test_a_bad_call_is_answered_by_an_error_that_is_on_record_first(
    frame: str, code: str, kind: str
) -> None:
    async with world() as w:
        station = await w.station()
        await station.socket.send(frame)
        heard = await station.hear()
        assert heard[:3] == [4, "7", code]
        _, bad, answer = w.bus.envelopes()
        assert (bad.kind, bad.seq, bad.message_id) == (kind, 2, "7")
        assert (answer.kind, answer.seq, answer.direction) == ("answer", 2, "Outgoing")
        assert msgspec.json.decode(answer.raw_data) == heard
        routes = [m.routing_key for m in w.bus.published]
        assert routes[1:] == ["ocpp.invalid" if kind == "invalid" else "ocpp.unknown", "log.answer"]


async def test_too_big_is_1009() -> None:
    async with world() as w:
        station = await w.link()
        await station.socket.send("x" * (64 * 1024 + 1))
        assert (await station.closed())[0] == 1009
        closed = (await w.frames(2))[1]
        assert msgspec.json.decode(closed.payload)["code"] == 1009


async def test_too_big_in_fragments_is_1009() -> None:
    async with world() as w:
        station = await w.station()
        await station.socket.send(["x" * 30_000] * 3)
        assert await station.closed() == (1009, "message too big")


async def test_endless_empty_fragments_end() -> None:
    async with world() as w:
        station = await w.station()
        with contextlib.suppress(ConnectionClosed):
            await station.socket.send(["["] + [""] * 2000)
        assert await station.closed() == (1009, "message too big")


async def test_fragments_are_put_together() -> None:
    async with world() as w:
        station = await w.station()
        await station.socket.send(['[2,"1","Meter', 'Values",{"vendor":"K', "öln", '"}]'])
        assert await station.hear() == [3, "1", {}]
        frame = (await w.frames(2))[1]
        assert bytes(frame.raw_data).decode() == '[2,"1","MeterValues",{"vendor":"Köln"}]'


async def test_binary_is_1003_and_on_record() -> None:
    async with world() as w:
        station = await w.link()
        await station.socket.send(b'[2,"1","Heartbeat",{}]')
        assert (await station.closed())[0] == 1003
        _, invalid, closed = await w.frames(3)
        assert (invalid.kind, closed.message_type) == ("invalid", "LinkClosed")


async def test_invalid_utf8_is_1007() -> None:
    async with world() as w:
        station = await w.link()
        await station.socket.send(b'[2,"1","Heartbeat",{"x":"\xff\0"}]', text=True)
        assert (await station.closed())[0] == 1007
        invalid = (await w.frames(3))[1]
        assert "\0" not in msgspec.json.decode(invalid.raw_data)


async def test_a_continuation_of_nothing_is_1002() -> None:
    async with world() as w:
        station = await w.station()
        frame = bytes([0x80, 0x81]) + bytes(4) + b"x"
        station.socket.transport.write(frame)
        assert (await station.closed())[0] == 1002


async def test_compression_is_not_offered() -> None:
    async with world() as w:
        station = await w.station()
        assert "Sec-WebSocket-Extensions" not in (
            station.socket.response.headers if station.socket.response else {}
        )


async def test_pings_are_answered_and_cost_nothing() -> None:
    async with world() as w:
        station = await w.link()
        pongs = [await station.socket.ping(b"%d" % n) for n in range(200)]
        async with asyncio.timeout(3):
            await asyncio.gather(*pongs)
        assert len(w.bus.envelopes()) == 1


async def test_a_silent_station_is_pinged_and_dropped_after_two_misses() -> None:
    async with world(ping_idle_s=0.1) as w:
        deaf = await w.link("CP-2")
        alive = await w.link("CP-1")
        deaf.socket.transport.pause_reading()
        closed = (await w.frames(2, "CP-2"))[1]
        assert msgspec.json.decode(closed.payload)["code"] == 1001
        assert (await alive.call("Heartbeat"))[0] == 3
        deaf.socket.transport.resume_reading()


async def test_too_fast_is_read_slowly_and_nothing_is_lost() -> None:
    async with world(frames_per_s=200.0, frames_burst=10) as w:
        station = await w.station()
        loop = asyncio.get_running_loop()
        began = loop.time()
        for _ in range(60):  # each about what is read at once
            await station.ask("MeterValues", {"text": "x" * 4000})
        assert [(await station.hear())[1] for _ in range(60)] == [str(n) for n in range(1, 61)]
        assert loop.time() - began > 0.15  # 50 above the burst at 200/s


async def test_a_hundred_calls_at_once_are_answered_in_order() -> None:
    async with world(frames_per_s=0) as w:
        w.bus.held = True
        station = await w.station()
        for _ in range(60):
            await station.ask("StatusNotification", {"text": "x" * 500})
        await until(lambda: len(w.bus.waiting) >= 5)
        await asyncio.sleep(0.05)
        assert len(w.bus.waiting) <= 6  # LinkOpened and the window: the rest waits
        w.bus.release()
        assert [(await station.hear())[1] for _ in range(60)] == [str(n) for n in range(1, 61)]
        frames = await w.frames(61)
        assert [frame.seq for frame in frames] == list(range(1, 62))
        assert all(msgspec.json.decode(frame.raw_data)[1] == frame.message_id for frame in frames[1:])


async def test_connections_have_a_limit() -> None:
    async with world(connections_max=1) as w:
        await w.link()
        with pytest.raises((OSError, EOFError, InvalidMessage)):
            await w.station("CP-2")
        assert w.gateway.connections == 1


def test_a_bucket_never_refuses_and_tells_how_long_to_wait() -> None:
    bucket = Bucket(per_s=10.0, burst=3, now=0.0)
    assert [bucket.take(0.0) for _ in range(3)] == [0.0, 0.0, 0.0]
    assert bucket.take(0.0) == pytest.approx(0.1)
    assert bucket.take(0.0) == pytest.approx(0.2)
    assert bucket.take(10.0) == 0.0


def test_a_window_slides_and_forgets() -> None:
    window = Window(limit=2, span_s=60.0, keys_max=2)
    window.add("a", 0.0)
    window.add("a", 30.0)
    assert window.is_full("a", 59.0)
    assert not window.is_full("a", 61.0)
    window.add("b", 61.0)
    window.add("c", 61.0)
    assert not window.is_full("a", 30.0)
