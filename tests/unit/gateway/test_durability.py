"""Nothing is answered before it is durable, and everything in order."""

import pytest
from tests.unit.gateway.kit import MemorySpool, until, world

from stationmaster.contracts import envelope as contract

pytestmark = pytest.mark.anyio

SAMPLE = {"timestamp": "2026-01-01T00:00:00Z", "sampledValue": [{"value": "1"}]}
METER = {"connectorId": 1, "meterValue": [SAMPLE]}
STATUS = {"connectorId": 1, "errorCode": "NoError", "status": "Available"}


async def test_a_frame_is_published_whole_and_then_answered() -> None:
    async with world() as w:
        station = await w.station()
        assert await station.call("MeterValues", METER) == [3, "1", {}]
        opened, meter = await w.frames(2)
        assert (opened.kind, opened.message_type, opened.seq) == ("link", "LinkOpened", 1)
        assert (meter.kind, meter.message_type, meter.seq) == ("call", "MeterValues", 2)
        assert (meter.device_id, meter.charger_id, meter.gateway_id) == ("CP-1", "chg-CP-1", "gw-test")
        assert meter.reply_to == "charging.gateway.gw-test"
        assert bytes(meter.answer) == b"{}"
        assert bytes(meter.raw_data).startswith(b'[2, "1", "MeterValues", {"connectorId": 1')
        assert meter.epoch % 4096 == 7
        assert meter.epoch == opened.epoch
        assert meter.id == f"CP-1:{meter.epoch}:call:2"
        message = next(m for m in w.bus.published if m.message_id == meter.id)
        assert (message.exchange, message.routing_key) == ("ev_charging_events", "ocpp.metervalues")
        assert (message.priority, message.group) == (1, "frames")


async def test_link_opened_tells_where_from() -> None:
    async with world() as w:
        await w.station()
        opened = (await w.frames(1))[0]
        told = contract.msgspec.json.decode(opened.payload)
        assert told == {
            "remoteAddress": "127.0.0.1",
            "subprotocol": "ocpp1.6",
            "securityProfile": 1,
            "gatewayId": "gw-test",
            "path": "/ws/ocpp/16/CP-1",
        }


async def test_no_answer_before_the_confirm() -> None:
    async with world() as w:
        w.bus.held = True
        station = await w.station()
        await station.ask("StatusNotification", STATUS)
        await until(lambda: len(w.bus.waiting) == 2)
        w.bus.confirm()  # LinkOpened
        assert await station.hears_nothing()
        w.bus.confirm()
        assert await station.hear() == [3, "1", {}]


async def test_no_answer_before_the_predecessor_is_safe() -> None:
    async with world() as w:
        w.bus.held = True
        station = await w.station()
        for _ in range(3):
            await station.ask("MeterValues", METER)
        await until(lambda: len(w.bus.waiting) == 4)
        for _ in range(3):
            w.bus.confirm(1)
        assert await station.hears_nothing()
        w.bus.confirm()
        assert [(await station.hear())[1] for _ in range(3)] == ["1", "2", "3"]


async def test_an_unconfirmed_frame_is_spooled_and_then_answered() -> None:
    async with world() as w:
        w.bus.held = True
        station = await w.station()
        await station.ask("MeterValues", METER)
        await until(lambda: len(w.bus.waiting) == 2)
        w.bus.confirm()
        w.bus.ready = False
        w.bus.confirm(unknown=True)
        assert await station.hear() == [3, "1", {}]
        assert isinstance(w.spool, MemorySpool)
        assert [m.message_id.split(":")[2:] for _, _, m in w.spool.messages] == [["call", "2"]]


async def test_a_failed_drain_takes_nothing_away() -> None:
    async with world() as w:
        station = await w.station()
        w.bus.ready = False
        await station.call("MeterValues", METER)
        assert w.spool is not None
        depth = w.spool.depth
        w.bus.held = w.bus.ready = True
        await until(lambda: len(w.bus.waiting) == depth)
        w.bus.confirm(unknown=True)
        while w.bus.waiting:
            w.bus.confirm()
        await until(lambda: w.spool is not None and w.spool.depth == 1)
        w.bus.held = False
        await until(lambda: w.spool is not None and w.spool.depth == 0)


@pytest.mark.parametrize("spool", [True, False])
async def test_nowhere_durable_closes_1013_and_shuts_the_door(spool: bool) -> None:
    async with world() as w:
        if spool:
            assert w.spool is not None
            w.spool.limit = 0
        else:
            w.gateway._publishing._spool = w.spool = None
        station = await w.station()
        await station.call("MeterValues", METER)
        w.bus.failing = True
        await station.ask("MeterValues", METER)
        assert await station.closed() == (1013, "try again later")
        with pytest.raises(Exception, match="HTTP 503"):
            await w.station("CP-2")


async def test_a_full_spool_answers_upgrades_with_503() -> None:
    async with world() as w:
        assert w.spool is not None
        w.bus.ready, w.spool.limit = False, 0
        with pytest.raises(Exception, match="HTTP 503"):
            await w.station()


async def test_the_spool_of_an_earlier_life_is_drained_first() -> None:
    async with world() as w:
        w.bus.ready = False
        station = await w.station()
        await station.call("MeterValues", METER)
        await w.stop()
        assert w.spool is not None
        left = [m.message_id for _, _, m in w.spool.messages]
        assert len(left) == 3  # LinkOpened, MeterValues, LinkClosed
        w.bus.ready = True
        await w.start()
        assert w.spool.depth == 0
        assert [m.message_id for m in w.bus.published][:3] == left


async def test_a_busy_station_leaves_the_spool_and_keeps_its_order() -> None:
    """While the last of its spooled frames are drained, its next ones wait in memory instead of on disk."""
    async with world(frames_per_s=0) as w:
        station = await w.link()
        w.bus.ready = False
        for _ in range(3):
            await station.call("MeterValues", METER)
        w.bus.held = w.bus.ready = True
        await until(lambda: len(w.bus.waiting) == 3)  # the drain
        await station.ask("MeterValues", METER)
        assert await station.hears_nothing()
        assert w.spool is not None
        assert w.spool.depth == 3
        w.bus.release()
        assert await station.hear() == [3, "5", {}]
        assert [frame.seq for frame in w.bus.envelopes()] == [1, 2, 3, 4, 5]
        assert not w.gateway._publishing._spooled


async def test_when_the_drain_stops_the_waiting_go_to_the_spool() -> None:
    async with world() as w:
        station = await w.link()
        w.bus.ready = False
        await station.call("MeterValues", METER)
        w.bus.held = w.bus.ready = True
        await until(lambda: len(w.bus.waiting) == 1)
        await station.ask("MeterValues", METER)
        assert await station.hears_nothing()
        w.bus.ready = False
        w.bus.confirm(unknown=True)
        assert await station.hear() == [3, "3", {}]
        assert w.spool is not None
        assert [m.message_id.split(":")[-1] for _, _, m in w.spool.messages] == ["2", "3"]
