"""Frames that the bus did not confirm wait on disk, oldest first."""

from pathlib import Path

import pytest

from stationmaster.gateway.ports import Spool
from stationmaster.infra.bus.journal import JournalSpool, SpoolFull
from stationmaster.infra.bus.port import Message

pytestmark = pytest.mark.anyio


def a_frame(number: int, *, body: bytes = b"{}") -> Message:
    return Message(
        "ev_charging_events", "ocpp.metervalues", body, f"s:1:call:{number}", priority=1, group="frames",
        headers={"traceparent": f"{number}"},
    )  # fmt: skip


async def test_everything_is_still_there_after_a_crash_in_order(tmp_path: Path) -> None:
    spool: Spool = JournalSpool(tmp_path / "spool.db")
    await spool.start()
    await spool.append([("one", a_frame(1)), ("two", a_frame(2))])
    await spool.append([("one", a_frame(3))])
    assert isinstance(spool, JournalSpool)
    spool._journal.abandon()

    again = JournalSpool(tmp_path / "spool.db")
    await again.start()
    assert (again.depth, await again.stations(), again.bytes) == (3, {"one": 2, "two": 1}, 6)
    found = await again.oldest(10)
    assert [(station, message) for _key, station, message in found] == [
        ("one", a_frame(1)),
        ("two", a_frame(2)),
        ("one", a_frame(3)),
    ]
    await again.remove([key for key, _station, _message in found[:2]])
    assert (again.depth, await again.stations(), again.bytes) == (1, {"one": 1}, 2)
    assert [message for _key, _station, message in await again.oldest(10)] == [a_frame(3)]
    await again.remove([found[0][0], found[2][0], 999])
    assert (again.depth, await again.stations(), again.bytes) == (0, {}, 0)
    await again.stop()


async def test_a_full_spool_takes_all_of_it_or_none(tmp_path: Path) -> None:
    spool = JournalSpool(tmp_path / "spool.db", max_bytes=100)
    await spool.start()
    await spool.append([("one", a_frame(1, body=b"1" * 60))])
    assert not spool.is_full
    with pytest.raises(SpoolFull):
        await spool.append([("one", a_frame(2, body=b"2" * 30)), ("one", a_frame(3, body=b"3" * 30))])
    assert (spool.depth, spool.bytes) == (1, 60)
    await spool.append([("one", a_frame(4, body=b"4" * 40))])
    assert spool.is_full
    await spool.stop()
