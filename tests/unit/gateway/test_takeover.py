"""Two connections, one identity."""

import asyncio

import msgspec
import pytest
from tests.unit.gateway.kit import Station, World, record, until, world

from stationmaster.contracts.commands import ClosedLink, ProbeAnswer
from stationmaster.contracts.presence import key_of

pytestmark = pytest.mark.anyio

HERE, ELSEWHERE = "127.0.0.1", "127.0.0.2"


async def answers(station: Station) -> bool:
    return (await station.call("Heartbeat"))[0] == 3


def deafen(station: Station) -> None:
    """It hears no ping any more: a socket whose other end is gone without a word."""
    station.socket.transport.pause_reading()


async def test_the_same_address_replaces_at_once() -> None:
    async with world() as w:
        old = await w.link()
        new = await w.link()
        assert await old.closed() == (1008, "replaced by a newer connection")
        assert await answers(new)
        opened = [frame for frame in await w.frames(3) if frame.message_type == "LinkOpened"]
        assert opened[0].epoch < opened[1].epoch
        closed = next(frame for frame in w.bus.envelopes() if frame.message_type == "LinkClosed")
        assert closed.epoch == opened[0].epoch


async def test_the_old_sockets_end_never_removes_the_new_link() -> None:
    async with world() as w:
        old = await w.link()
        deafen(old)
        new = await w.link()
        place = await w.cache.get(key_of("CP-1"))
        await until(lambda: any(f.message_type == "LinkClosed" for f in w.bus.envelopes()), within_s=4)
        assert w.gateway.connections == 1
        assert w.gateway._links["CP-1"].epoch == msgspec.json.decode(place or "")["epoch"]
        assert await w.cache.get(key_of("CP-1")) == place
        assert await answers(new)
        await new.leave()
        await until(lambda: w.gateway.connections == 0)
        await asyncio.sleep(0)
        assert await w.cache.get(key_of("CP-1")) is None


async def test_a_dead_link_elsewhere_is_replaced_after_the_ping() -> None:
    async with world(probe_within_s=0.1) as w:
        old = await w.link(source=HERE)
        deafen(old)
        assert await answers(await w.link(source=ELSEWHERE))
        assert w.gateway._links["CP-1"].socket.candidate.address == ELSEWHERE


async def test_a_live_link_elsewhere_stays_and_it_is_told() -> None:
    async with world(probe_within_s=1.0) as w:
        old = await w.link(source=HERE)
        second = await w.station(source=ELSEWHERE)
        assert await second.closed() == (1008, "refused")
        assert await answers(old)
        await until(lambda: bool(w.directory.told))
        told = w.directory.told[0]
        assert (told.reason, told.remote_address, told.station_id) == ("duplicate_link", ELSEWHERE, "CP-1")
        assert len([f for f in w.bus.envelopes() if f.message_type == "LinkOpened"]) == 1


async def test_with_newest_a_password_wins_over_a_live_link() -> None:
    async with world(takeover="newest") as w:
        old = await w.link(source=HERE)
        assert await answers(await w.link(source=ELSEWHERE))
        assert (await old.closed())[0] == 1008


async def test_with_newest_a_fight_is_ended() -> None:
    async with world(takeover="newest") as w:
        sources = [HERE, ELSEWHERE] * 3
        current = [await w.link(source=source) for source in sources[:4]][-1]
        late = await w.station(source=HERE)
        assert await late.closed() == (1008, "refused")
        assert await answers(current)


async def test_without_a_password_newest_never_wins_over_a_live_link() -> None:
    async with world(takeover="newest", probe_within_s=0.5) as w:
        w.directory.stations["CP-1"] = record("CP-1", security_profile=0, key_digest=None)
        old = await w.link(password=None, source=HERE)
        second = await w.station(password=None, source=ELSEWHERE)
        assert (await second.closed())[0] == 1008
        assert await answers(old)
        assert await answers(await w.link(password=None, source=HERE))


async def test_a_wrong_password_takes_nothing_over() -> None:
    async with world() as w:
        old = await w.link()
        intruder = await w.station(password=b"wrong wrong wrong")
        assert (await intruder.closed())[0] == 1008
        assert await answers(old)


async def test_a_replaced_links_frames_are_not_answered() -> None:
    async with world() as w:
        old = await w.link()
        w.bus.held = True
        await old.ask("MeterValues")
        await until(lambda: len(w.bus.waiting) == 1)
        await w.station()
        await until(lambda: len(w.bus.waiting) >= 2)
        w.bus.release()
        with pytest.raises(Exception, match="1008"):
            await old.hear()


async def test_two_at_once_end_as_one() -> None:
    async with world() as w:
        await asyncio.gather(*(w.station() for _ in range(5)))
        await until(lambda: w.gateway.connections == 1 and w.gateway._connections == 1)
        opened = [f.epoch for f in w.bus.envelopes() if f.message_type == "LinkOpened"]
        assert opened == sorted(set(opened))


# Across gateways.


async def two_gateways(w: World, tmp: World) -> None:
    """The second shares bus, cache and directory with the first."""
    tmp.bus, tmp.cache, tmp.directory = w.bus, w.cache, w.directory
    w.directory.number = 8
    await tmp.start()


@pytest.mark.parametrize(("source", "is_deaf", "replaced"), [
    (HERE, False, True), (ELSEWHERE, False, False), (ELSEWHERE, True, True),
])  # fmt: skip
async def test_another_gateway_is_asked(source: str, is_deaf: bool, replaced: bool) -> None:
    async with world(probe_within_s=0.2) as w:
        other = World(w.data_dir / "other", gateway_id="gw-other", probe_within_s=0.2)
        await two_gateways(w, other)
        old = await w.link(source=HERE)
        if is_deaf:
            deafen(old)
        new = await other.station(source=source)
        if replaced:
            assert await answers(new)
            await until(lambda: w.gateway.connections == 0, within_s=4)
            epochs = [f.epoch for f in w.bus.envelopes() if f.message_type == "LinkOpened"]
            assert epochs[0] < epochs[1]
            assert epochs[1] % 4096 == 8
        else:
            assert await new.closed() == (1008, "refused")
            assert await answers(old)
        await other.stop()


async def test_a_gateway_that_is_gone_or_silent_has_no_link() -> None:
    async with world(probe_elsewhere_s=0.1) as w:
        gone = '{"gateway":"gw-gone","epoch":99999999999999999,"since":"2026-01-01T00:00:00Z"}'
        await w.cache.put(key_of("CP-1"), gone, ttl_s=60)
        await w.link()
        epoch = w.gateway._links["CP-1"].epoch
        assert epoch > 99999999999999999  # above any it knows for the station
        await w.cache.put(key_of("CP-2"), gone.replace("gw-gone", "gw-silent"), ttl_s=60)
        w.bus.handlers["charging.gateway.gw-silent"] = _silent
        await w.link("CP-2")


async def _silent(deliveries: object) -> None:
    return


async def test_a_probe_for_another_epoch_says_not_alive_and_ends_nothing() -> None:
    async with world() as w:
        heard: list[ProbeAnswer] = []

        async def listen(deliveries: list[object]) -> None:
            heard.append(msgspec.json.decode(deliveries[0].items[0], type=ProbeAnswer))  # type: ignore[attr-defined]

        w.bus.handlers["charging.gateway.asker"] = listen
        station = await w.link()
        probe = ClosedLink(
            device_id="CP-1", epoch=5, ask_gateway="gw-test", reply_to="charging.gateway.asker",
            remote_address=HERE,
        )  # fmt: skip
        await w.bus.deliver(w.mailbox, msgspec.json.encode(probe))
        await until(lambda: bool(heard))
        assert not heard[0].alive
        assert await answers(station)
