"""How long a gap is waited for, and what happens then."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import select
from tests.unit.worker.kit import EPOCH, Kit, a_kit

from stationmaster.contracts.envelope import LINK_CLOSED
from stationmaster.infra.cache.memory import MemoryCache
from stationmaster.infra.db.tables import link_mark, outbox
from stationmaster.worker.jobs import gaps
from stationmaster.worker.rules import patience

AT = datetime(2026, 1, 1, tzinfo=UTC)


def after(seconds: float) -> datetime:
    return AT + timedelta(seconds=seconds)


def test_on_a_live_link_a_gap_has_five_minutes() -> None:
    assert patience.waits_until(gap_since=AT, ended_at=None) == after(300)


def test_after_the_links_end_a_gap_has_one_minute() -> None:
    assert patience.waits_until(gap_since=AT, ended_at=after(-500)) == after(60)
    assert patience.waits_until(gap_since=AT, ended_at=after(30)) == after(90)


def test_the_earliest_sign_of_the_end_counts() -> None:
    assert patience.ended(closed_at=None, newer_link_at=None) is None
    assert patience.ended(closed_at=after(5), newer_link_at=after(3), vanished_at=after(9)) == after(3)


async def _run(kit: Kit, *, after_s: float, claimed: bool = True) -> list[int]:
    """The job after a while; a gateway claims the link, or does not. What was applied."""
    kit.clock.advance(after_s)
    cache = MemoryCache(kit.clock)
    if claimed:
        place = msgspec.json.encode({"gateway": "gw1", "epoch": EPOCH, "since": "x"}).decode()
        await cache.put("presence:ST1", place, ttl_s=60)
    await gaps.run(database=kit.database, cache=cache, clock=kit.clock, frame_worker=kit.worker)
    return await kit.seqs()


@pytest.mark.anyio
async def test_a_live_link_waits_five_minutes_and_then_goes_on_with_an_alarm(tmp_path: Path) -> None:
    async with a_kit(tmp_path) as kit:
        await kit.take(kit.frame(1), kit.frame(3), kit.frame(6))
        assert await _run(kit, after_s=299) == [1]
        assert await _run(kit, after_s=2) == [1, 3, 6], (
            "both gaps at once: both were noticed at the same time"
        )
        [mark] = await kit.rows(select(link_mark.c.kept_gaps, link_mark.c.parked, link_mark.c.gap_since))
        assert tuple(mark) == ("[[2,2],[4,5]]", 0, None)
        facts = await kit.rows(select(outbox.c.routing_key))
        assert [fact.routing_key for fact in facts] == ["error.occurred"] * 2


@pytest.mark.anyio
async def test_a_second_gap_is_waited_for_from_when_it_was_noticed(tmp_path: Path) -> None:
    async with a_kit(tmp_path) as kit:
        await kit.take(kit.frame(1), kit.frame(3))
        kit.clock.advance(200)
        await kit.take(kit.frame(5))
        assert await _run(kit, after_s=101) == [1, 3]
        assert await _run(kit, after_s=199) == [1, 3, 5]


@pytest.mark.anyio
async def test_a_link_that_has_closed_waits_one_minute(tmp_path: Path) -> None:
    async with a_kit(tmp_path) as kit:
        await kit.take(kit.frame(1), kit.frame(3), kit.frame(4, LINK_CLOSED, {}, kind="link"))
        assert await _run(kit, after_s=59) == [1]
        assert await _run(kit, after_s=2) == [1, 3]


@pytest.mark.anyio
async def test_a_newer_link_ends_the_old_one(tmp_path: Path) -> None:
    async with a_kit(tmp_path) as kit:
        await kit.take(kit.frame(1), kit.frame(3))
        kit.clock.advance(30)
        await kit.take(kit.frame(1, epoch=2 * EPOCH))
        assert await _run(kit, after_s=59) == [1, 1]
        assert await _run(kit, after_s=2) == [1, 1, 3]


@pytest.mark.anyio
async def test_a_link_that_no_gateway_claims_has_ended(tmp_path: Path) -> None:
    async with a_kit(tmp_path) as kit:
        await kit.take(kit.frame(1), kit.frame(3))
        assert await _run(kit, after_s=61, claimed=True) == [1]
        assert await _run(kit, after_s=1, claimed=False) == [1, 3]


@pytest.mark.anyio
async def test_a_station_cannot_end_its_link_by_an_action_of_that_name(tmp_path: Path) -> None:
    async with a_kit(tmp_path) as kit:
        await kit.take(kit.frame(1), kit.frame(3, LINK_CLOSED, {}))
        [mark] = await kit.rows(select(link_mark.c.closed_at))
        assert mark.closed_at is None


@pytest.mark.anyio
async def test_a_culprit_behind_a_gap_that_is_gone_over_is_set_aside(tmp_path: Path) -> None:
    async with a_kit(tmp_path) as kit:
        await kit.take(kit.frame(1), kit.frame(3, payload={"connectorId": 1, "poison": True}), kit.frame(4))
        assert await _run(kit, after_s=301) == [1, 4]
