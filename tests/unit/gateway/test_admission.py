"""Who comes in, who does not, and what does a stranger learn from it?"""

import asyncio

import pytest
from tests.unit.gateway.kit import Station, World, dial, record, until, world
from websockets.exceptions import InvalidStatus

pytestmark = pytest.mark.anyio


async def status(w: World, station_id: str = "CP-1", **how: object) -> int:
    """The HTTP status of a refused upgrade."""
    with pytest.raises(InvalidStatus) as caught:
        await dial(w.port, station_id, **how)  # type: ignore[arg-type]
    return caught.value.response.status_code


async def how_it_ends(w: World, station_id: str, **how: object) -> tuple[int, str] | int:
    try:
        socket = await dial(w.port, station_id, **how)  # type: ignore[arg-type]
    except InvalidStatus as refused:
        return refused.response.status_code
    return await Station(socket).closed()


async def reasons(w: World, count: int = 1) -> list[str]:
    await until(lambda: len(w.directory.told) >= count)
    return [told.reason for told in w.directory.told]


async def test_a_known_station_with_its_password_comes_in() -> None:
    async with world() as w:
        station = await w.station()
        assert station.socket.subprotocol == "ocpp1.6"
        assert (await station.call("Heartbeat"))[0] == 3


async def test_the_identity_is_percent_decoded_once() -> None:
    async with world() as w:
        w.directory.stations["RDAM|123"] = record("RDAM|123")
        station = await w.station("RDAM|123", path="/ws/ocpp/16/RDAM%7C123")
        assert (await station.call("Heartbeat"))[0] == 3
        assert (await w.frames(1))[0].device_id == "RDAM|123"


async def test_frames_sent_before_admission_are_answered_in_order() -> None:
    """The listener exists before the upgrade is answered; while the directory is asked, frames wait."""
    async with world() as w:
        w.directory.gate = asyncio.Event()
        station = await w.station()
        for _ in range(40):  # more than are kept before reading stops
            await station.ask("MeterValues")
        await until(lambda: w.directory.asked == ["CP-1"])
        assert await station.hears_nothing(0.02)
        w.directory.gate.set()
        assert [(await station.hear())[1] for _ in range(40)] == [str(n) for n in range(1, 41)]


async def test_a_frame_in_the_same_packet_as_the_upgrade_is_not_lost() -> None:
    async with world() as w:
        w.directory.stations["CP-1"] = record("CP-1", security_profile=0, key_digest=None)
        reader, writer = await asyncio.open_connection("127.0.0.1", w.port)
        body = b'[2,"1","BootNotification",{}]'
        frame = bytes([0x81, 0x80 | len(body)]) + bytes(4) + body
        writer.write(
            b"GET /ws/ocpp/16/CP-1 HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n"
            b"Sec-WebSocket-Protocol: ocpp1.6\r\n\r\n" + frame
        )
        async with asyncio.timeout(3):
            await reader.readuntil(b"\r\n\r\n")
            head = await reader.readexactly(2)
            answer = await reader.readexactly(head[1])
        assert answer.startswith(b'[3,"1",{"currentTime":')
        writer.close()


@pytest.mark.parametrize(
    "first", [{"password": b"wrong wrong wrong"}, {"password": None}, {"username": "CP-2"}]
)
async def test_unknown_and_wrong_are_one_answer(first: dict[str, object]) -> None:
    async with world() as w:
        known = [await how_it_ends(w, "CP-1", **first) for _ in range(3)]
        unknown = [await how_it_ends(w, "NOBODY", **first) for _ in range(3)]
        assert known == unknown == [(1008, "refused"), 401, 401]


async def test_a_station_in_memory_with_a_wrong_password_is_the_same_too() -> None:
    async with world() as w:
        await (await w.link()).leave()
        wrong = {"password": b"wrong wrong wrong"}
        known = [await how_it_ends(w, "CP-1", **wrong) for _ in range(2)]
        unknown = [await how_it_ends(w, "NOBODY", **wrong) for _ in range(2)]
        assert known == unknown == [(1008, "refused"), 401]


async def test_a_new_password_works_at_once() -> None:
    async with world() as w:
        await (await w.link()).leave()
        from tests.unit.gateway.kit import PEPPER

        from stationmaster.contracts import credentials

        w.directory.stations["CP-1"] = record(
            "CP-1", key_digest=credentials.digest(PEPPER, b"the new password")
        )
        station = await w.station(password=b"the new password")
        assert (await station.call("Heartbeat"))[0] == 3
        assert await how_it_ends(w, "CP-1") == (1008, "refused")


async def test_an_old_password_in_memory_lasts_only_until_the_directory_is_asked() -> None:
    async with world(directory_fresh_s=0.0) as w:
        await (await w.link()).leave()
        w.directory.stations["CP-1"] = record("CP-1", key_digest="0" * 64)
        station = await w.station()
        assert await station.closed() == (1008, "no longer admitted")


@pytest.mark.parametrize(
    ("how", "expected", "reason"),
    [
        ({"path": "/ws/other/CP-1"}, 404, "no_such_path"),
        ({"path": "/ws/ocpp/16/a%00b"}, 400, "bad_identity"),
        ({"path": "/ws/ocpp/201/CP-1"}, 400, "no_subprotocol"),
        ({"subprotocols": None}, 400, "no_subprotocol"),
        ({"subprotocols": ["ocpp2.0.1"]}, 400, "no_subprotocol"),
    ],
)
async def test_refusals_from_memory_have_a_status_and_are_told(
    how: dict[str, object], expected: int, reason: str
) -> None:
    async with world() as w:
        assert await status(w, **how) == expected
        assert await reasons(w) == [reason]
        assert w.directory.told[0].remote_address == "127.0.0.1"
        assert w.directory.told[0].gateway_id == "gw-test"
        assert not w.directory.asked


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"is_archived": True}, "archived_station"),
        ({"security_profile": 2}, "insecure_profile"),
        ({"security_profile": 3}, "insecure_profile"),
        ({"pepper_id": "lost"}, "no_key"),
        ({"key_digest": None}, "no_key"),
    ],
)
async def test_the_record_may_forbid_it(changes: dict[str, object], reason: str) -> None:
    async with world() as w:
        w.directory.stations["CP-1"] = record("CP-1", **changes)
        assert await how_it_ends(w, "CP-1") == (1008, "refused")
        assert await reasons(w) == [reason]


async def test_profile_2_behind_tls_and_profile_0_without_a_password() -> None:
    async with world(is_behind_tls=True) as w:
        w.directory.stations["CP-1"] = record("CP-1", security_profile=2)
        w.directory.stations["CP-0"] = record("CP-0", security_profile=0, key_digest=None)
        assert (await (await w.station()).call("Heartbeat"))[0] == 3
        assert (await (await w.station("CP-0", password=None)).call("Heartbeat"))[0] == 3


async def test_known_stations_come_in_while_the_directory_is_away_and_after_a_restart() -> None:
    async with world() as w:
        await (await w.link()).leave()
        await w.stop()
        w.directory.down = True
        await w.start()
        station = await w.station()
        assert (await station.call("MeterValues"))[0] == 3
        assert await how_it_ends(w, "CP-2") == (1013, "try again later")


async def test_the_very_first_start_needs_the_directory_once() -> None:
    async with world() as w:
        await w.stop()
        (w.data_dir / "gateway.db").unlink()
        w.directory.down = True
        await w.start()
        assert await status(w) == 503
        w.directory.down = False
        await until(lambda: w.gateway.is_accepting)
        assert (await (await w.station()).call("Heartbeat"))[0] == 3


async def test_handshakes_are_limited_per_identity_and_address() -> None:
    async with world(unlimited_networks=()) as w:
        for _ in range(10):
            await (await w.link()).leave()
        assert await status(w) == 429
        await (await w.link("CP-2")).leave()
        await (await w.link(source="127.0.0.2")).leave()


async def test_guessing_is_stopped_without_locking_out_the_station_elsewhere() -> None:
    async with world(unlimited_networks=(), refused_for_s=0.0) as w:
        await (await w.link(source="127.0.0.2")).leave()
        ends = [await how_it_ends(w, "CP-1", password=b"guess %d" % n) for n in range(11)]
        assert ends[:9] == [(1008, "refused")] * 9
        assert ends[-1] == 429
        assert (await (await w.station(source="127.0.0.2")).call("Heartbeat"))[0] == 3


async def test_a_claim_of_ten_thousand_names_is_limited_per_address() -> None:
    async with world(unlimited_networks=()) as w:
        ends = [await how_it_ends(w, f"X-{n}") for n in range(62)]
        assert ends[59] == (1008, "refused")
        assert ends[60:] == [429, 429]
        assert await how_it_ends(w, "X-0", source="127.0.0.2") == 401


async def test_refusals_wait_while_the_directory_is_away() -> None:
    async with world() as w:
        w.directory.down = True
        assert await status(w, path="/ws/ocpp/201/CP-1") == 400
        assert await status(w, path="/ws/ocpp/201/CP-1") == 400
        await asyncio.sleep(0.05)
        w.directory.down = False
        await until(lambda: sum(told.count for told in w.directory.told) == 2)


async def test_two_gateways_never_share_a_home() -> None:
    from stationmaster.kernel.errors import Refused

    async with world() as w:
        second = World(w.data_dir)
        with pytest.raises(Refused) as caught:
            await second.start()
        assert caught.value.code == "data_dir_in_use"
