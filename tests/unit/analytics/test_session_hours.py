"""Each session counts once, in the hour of its end."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from tests.support.rooms import World, a_world

from stationmaster.analytics import session_hours
from stationmaster.analytics.consumers import count_sessions
from stationmaster.analytics.tables import session_hour
from stationmaster.charging.tables import charging_session
from stationmaster.contracts.facts import TRANSACTION_COMPLETED, Fact

pytestmark = pytest.mark.anyio


async def sessions(world: World, *given: dict[str, Any]) -> None:
    rows = [
        {
            "id": f"s{n}",
            "organisation_id": "o",
            "station_id": "CP1",
            "connector_id": n,
            "payer_kind": "wallet",
            "started_by": "app",
            "actor": "driver:d",
            "id_token": "X",
            "state": "COMPLETED",
            "energy_wh": 1000,
            "cost_minor": 1800,
            "fee_minor": 180,
            "created_at": world.now,
            "started_at": world.now,
            "ended_at": world.now,
            "settled_at": world.now,
            **values,
        }
        for n, values in enumerate(given, start=1)
    ]
    async with world.database.transaction() as uow:
        await uow.bulk_insert(charging_session, rows)


def a_fact(session_id: str | None) -> Fact:
    return Fact(
        id=f"f{session_id}", type=TRANSACTION_COMPLETED, at="2026-01-01T00:00:00Z", session_id=session_id
    )


async def told(world: World, *session_ids: str | None) -> None:
    async with world.database.transaction() as uow:
        await count_sessions.consume_many([a_fact(s) for s in session_ids], uow=uow, clock=world.clock)


async def hours(world: World) -> list[tuple[Any, ...]]:
    async with world.database.reading() as reader:
        rows = (
            await reader.execute(
                select(session_hour).order_by(session_hour.c.station_id, session_hour.c.hour)
            )
        ).all()
    return [(r.station_id, r.hour.hour, r.sessions, r.energy_wh, r.revenue_minor, r.fee_minor) for r in rows]


async def test_sessions_are_summed_by_station_and_hour() -> None:
    async with a_world() as world:
        later = world.now + timedelta(hours=1, minutes=59)
        await sessions(world, {}, {}, {"ended_at": later}, {"station_id": "CP2"})
        await told(world, "s1", "s2")
        await told(world, "s3", "s4")
        assert await hours(world) == [
            ("CP1", 0, 2, 2000, 3600, 360),
            ("CP1", 1, 1, 1000, 1800, 180),
            ("CP2", 0, 1, 1000, 1800, 180),
        ]


async def test_told_again_nothing_is_counted_twice() -> None:
    async with a_world() as world:
        await sessions(world, {}, {})
        await told(world, "s1", "s1")
        await told(world, "s1", "s2")
        await told(world, "s2")
        assert await hours(world) == [("CP1", 0, 2, 2000, 3600, 360)]


async def test_what_runs_or_never_began_is_not_counted() -> None:
    async with a_world() as world:
        await sessions(
            world,
            {"state": "ONGOING", "settled_at": None, "ended_at": None},
            {"state": "FAILED", "started_at": None},
        )
        await told(world, "s1", "s2", "s9", None)
        assert await hours(world) == []


async def test_a_rebuild_gives_the_same_figures() -> None:
    async with a_world() as world:
        await sessions(world, {}, {}, {"station_id": "CP2", "energy_wh": 5})
        await told(world, "s1", "s2", "s3")
        before = await hours(world)
        async with world.database.transaction() as uow:
            assert await session_hours.rebuild(uow, now=world.now) == 3
        assert await hours(world) == before
        await told(world, "s1")
        assert await hours(world) == before
