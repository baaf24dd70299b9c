"""Start, stop, presence, epochs."""

import asyncio
from datetime import timedelta
from pathlib import Path

import httpx
import msgspec
import pytest
from tests.unit.gateway.kit import Directory, World, dial, record, until, world
from websockets.exceptions import InvalidStatus

from stationmaster.contracts.presence import key_of
from stationmaster.gateway.addresses import Networks, remote_address
from stationmaster.gateway.epochs import Epochs
from stationmaster.infra.records import RecordFile
from stationmaster.infra.runtime import Runtime
from stationmaster.kernel.clock import VirtualClock

pytestmark = pytest.mark.anyio


async def test_a_graceful_stop_answers_says_goodbye_and_puts_the_end_on_record() -> None:
    async with world() as w:
        station = await w.link()
        w.bus.held = True
        await station.ask("MeterValues")
        await until(lambda: len(w.bus.waiting) == 1)
        port = w.port
        stopping = asyncio.ensure_future(w.stop())
        await asyncio.sleep(0.05)
        with pytest.raises(OSError, match=r"refused|Connect"):
            await dial(port, "CP-2")
        w.bus.release()
        assert (await station.hear())[:2] == [3, "2"]
        assert await station.closed() == (1001, "going away")
        await stopping
        closed = w.bus.envelopes()[-1]
        assert (closed.message_type, closed.seq) == ("LinkClosed", 3)
        assert msgspec.json.decode(closed.payload) == {"code": 1001, "reason": "going away", "lastSeq": 2}
        assert await w.cache.get(key_of("CP-1")) is None
        await w.start()


async def test_a_graceful_stop_tells_heartbeats_and_refusals() -> None:
    async with world(heartbeats_every_s=3600.0, refusals_every_s=3600.0) as w:
        await w.link()
        with pytest.raises(InvalidStatus):
            await dial(w.port, "CP-1", path="/ws/ocpp/201/CP-1")
        await w.stop()
        said = [msgspec.json.decode(m.body) for m in w.bus.published if b'"heartbeats"' in m.body]
        assert [one["counts"] for one in said] == [{"CP-1": 1}]
        assert [refused.reason for refused in w.directory.told] == ["no_subprotocol"]
        await w.start()


async def test_a_station_that_hears_no_goodbye_does_not_hold_the_stop() -> None:
    async with world() as w:
        station = await w.link()
        station.socket.transport.pause_reading()
        async with asyncio.timeout(6):
            await w.stop()
        assert w.bus.envelopes()[-1].message_type == "LinkClosed"
        station.socket.transport.resume_reading()
        await w.start()


async def test_a_close_tells_code_reason_and_last_seq() -> None:
    async with world() as w:
        station = await w.link()
        await station.call("MeterValues")
        await station.socket.close(4001, "lunch")
        closed = (await w.frames(3))[2]
        assert msgspec.json.decode(closed.payload) == {"code": 4001, "reason": "lunch", "lastSeq": 2}
        assert closed.seq == 3


async def test_a_broken_connection_is_1006() -> None:
    async with world() as w:
        station = await w.link()
        station.socket.transport.abort()
        closed = (await w.frames(2))[1]
        assert msgspec.json.decode(closed.payload)["code"] == 1006


async def test_presence_is_told_again_after_the_cache_forgot() -> None:
    async with world(presence_every_s=0.02) as w:
        await w.link()
        place = await w.cache.get(key_of("CP-1"))
        assert msgspec.json.decode(place or "")["gateway"] == "gw-test"
        await w.cache.delete(key_of("CP-1"))
        async with asyncio.timeout(3):
            while await w.cache.get(key_of("CP-1")) != place:
                await asyncio.sleep(0.005)


async def test_every_link_has_a_higher_epoch() -> None:
    async with world() as w:
        for _ in range(3):
            station = await w.link()
        await w.stop()
        await w.start()
        station = await w.link()
        assert station
        epochs = [f.epoch for f in w.bus.envelopes() if f.message_type == "LinkOpened"]
        assert epochs == sorted(set(epochs))


async def test_a_directory_that_knows_a_higher_epoch_is_believed() -> None:
    async with world() as w:
        w.directory.stations["CP-1"] = record("CP-1", epoch=2**60)
        await w.link()
        assert w.gateway._links["CP-1"].epoch > 2**60


async def test_epochs_survive_a_clock_that_is_set_back(tmp_path: Path) -> None:
    clock = VirtualClock()
    runtime = Runtime(clock=clock)
    file = RecordFile(tmp_path / "x.db", in_thread=True)
    await file.start()
    epochs = Epochs(file, runtime)
    assert await epochs.load("gw") == "gw"
    assert not epochs.is_ready
    await epochs.register("gw", Directory())
    first = epochs.mint()
    assert epochs.mint() > first
    await epochs.keep()
    clock._now -= timedelta(hours=1)
    again = Epochs(file, runtime)
    await again.load("gw")
    assert again.is_ready
    assert again.mint() > first
    await file.stop()


async def test_a_gateway_without_a_name_makes_one_and_keeps_it() -> None:
    async with world(gateway_id="") as w:
        name = w.gateway.gateway_id
        assert name.startswith("gw-")
        await w.stop()
        await w.start()
        assert w.gateway.gateway_id == name


async def test_records_are_claimed_once_and_forgotten(tmp_path: Path) -> None:
    file = RecordFile(tmp_path / "x.db")
    await file.start()
    assert await file.claim("s", ["a", "b"], at=1.0) == {"a", "b"}
    assert await file.claim("s", ["b", "c"], at=5.0) == {"c"}
    await file.forget("s", before=2.0)
    assert set(await file.load("s")) == {"c"}
    await file.put("t", {"k": b"1"})
    await file.put("t", {"k": b"2"})
    assert await file.load("t") == {"k": b"2"}
    await file.stop()


@pytest.mark.parametrize(
    ("peer", "forwarded", "expected"),
    [
        ("10.0.0.1", None, "10.0.0.1"),
        ("10.0.0.1", "1.2.3.4", "1.2.3.4"),
        ("10.0.0.1", "6.6.6.6, 1.2.3.4, 10.0.0.2", "1.2.3.4"),
        ("9.9.9.9", "1.2.3.4", "9.9.9.9"),
        ("10.0.0.1", "junk", "10.0.0.1"),
        ("10.0.0.1", "10.0.0.3", "10.0.0.1"),
    ],
)
def test_only_trusted_proxies_are_believed(peer: str, forwarded: str | None, expected: str) -> None:
    assert remote_address(peer, forwarded, Networks(["10.0.0.0/8"])) == expected


async def test_a_load_balancer_may_ask() -> None:
    async with world() as w, httpx.AsyncClient() as client:
        assert (await client.get(f"http://127.0.0.1:{w.port}/health")).status_code == 200
        w.bus.ready, w.gateway._publishing._spool = False, None
        assert (await client.get(f"http://127.0.0.1:{w.port}/health")).status_code == 503
        w.bus.ready = True


async def test_a_start_that_fails_leaves_nothing_behind() -> None:
    async with world() as w:
        second = World(w.data_dir / "second", listeners=(("127.0.0.1", w.port),))
        with pytest.raises(OSError, match="in use"):
            await second.start()
        third = World(w.data_dir / "second")
        await third.start()
        await third.stop()
        await second.runtime.cancel_all()
        await third.runtime.cancel_all()
