"""What is old is forgotten, and nothing else."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Table, select
from tests.support.rooms import World, a_world

from stationmaster.identity.jobs import old_logins
from stationmaster.identity.tables import login, person
from stationmaster.infra.db.tables import (
    idempotency_key,
    link_mark,
    parked_frame,
    set_aside_frame,
    stored_answer,
)
from stationmaster.stations.jobs import old_refusals
from stationmaster.stations.tables import refused_handshake
from stationmaster.worker.jobs import housekeeping

pytestmark = pytest.mark.anyio


async def insert(world: World, table: Table, *rows: dict[str, Any]) -> None:
    async with world.database.transaction() as uow:
        for row in rows:
            await uow.bulk_insert(table, [row])


async def left(world: World, column: Any) -> list[Any]:
    async with world.database.reading() as reader:
        return sorted((await reader.execute(select(column))).scalars().all())


async def test_keys_and_answers_are_kept_for_a_week() -> None:
    async with a_world() as world:
        times = {"old": world.now - timedelta(days=8), "young": world.now - timedelta(days=6)}
        for name, at in times.items():
            key = {"scope": "s", "key": name, "request_hash": "", "created_at": at}
            await insert(world, idempotency_key, key)
            place = {"station_id": name, "epoch": 1, "seq": 1, "message_id": "m", "payload": "{}"}
            await insert(world, stored_answer, {**place, "created_at": at})
        await housekeeping.run(database=world.database, clock=world.clock)
        assert await left(world, idempotency_key.c.key) == ["young"]
        assert await left(world, stored_answer.c.station_id) == ["young"]


async def test_one_run_deletes_so_many_and_the_next_the_rest() -> None:
    async with a_world() as world:
        at = world.now - timedelta(days=8)
        keys = [{"scope": "s", "key": str(n), "request_hash": "", "created_at": at} for n in range(5)]
        await insert(world, idempotency_key, *keys)
        for expected in (3, 1, 0):
            await housekeeping.run(database=world.database, clock=world.clock, rows_max=2)
            assert len(await left(world, idempotency_key.c.key)) == expected


async def test_the_mark_of_a_link_goes_when_nothing_hangs_on_it() -> None:
    async with a_world() as world:
        old, now = world.now - timedelta(days=31), world.now
        mark = {
            "station_id": "S",
            "last_seq": 5,
            "parked": 0,
            "kept_gaps": "[]",
            "created_at": old,
            "closed_at": old,
        }
        changes: dict[int, dict[str, Any]] = {
            1: {},
            2: {"closed_at": None},
            3: {"closed_at": now - timedelta(days=29)},
            4: {"kept_gaps": "[[1,2]]"},
            5: {"parked": 1},
            6: {},  # a frame is parked
            7: {},  # a frame waits for a person
            8: {},  # the newest of which frames were applied
            9: {"last_seq": 0},
        }
        await insert(world, link_mark, *({**mark, "epoch": e, **change} for e, change in changes.items()))
        place = {"station_id": "S", "seq": 9, "envelope": b""}
        await insert(world, parked_frame, {**place, "epoch": 6, "parked_at": old})
        for epoch, resolved_at in ((1, now), (7, None)):
            why = {"reason": "", "created_at": old, "resolved_at": resolved_at}
            await insert(world, set_aside_frame, {**place, **why, "epoch": epoch})
        await housekeeping.run(database=world.database, clock=world.clock)
        assert await left(world, link_mark.c.epoch) == [2, 3, 4, 5, 6, 7, 8, 9]


async def test_logins_are_kept_for_a_month_after_their_end() -> None:
    async with a_world() as world:
        old, young = world.now - timedelta(days=31), world.now - timedelta(days=29)
        who = {"id": "p", "kind": "driver", "role": "driver", "name": "P", "created_at": old}
        await insert(world, person, who)
        ends = {
            "expired": (old, None),
            "revoked": (world.now, old),
            "fresh": (young, young),
            "live": (world.now, None),
        }
        for name, (expires_at, revoked_at) in ends.items():
            row = {"id": name, "person_id": "p", "secret_hash": name, "csrf_token": "", "kind": "bearer"}
            when = {"created_at": old, "expires_at": expires_at, "revoked_at": revoked_at}
            await insert(world, login, {**row, **when})
        await old_logins.run(database=world.database, clock=world.clock)
        assert await left(world, login.c.id) == ["fresh", "live"]


async def test_refused_handshakes_are_kept_for_a_month() -> None:
    async with a_world() as world:
        for days in (29, 31):
            row = {"station_id": f"{days}", "remote_address": "", "reason": "unknown_station"}
            await insert(world, refused_handshake, {**row, "at": world.now - timedelta(days=days)})
        await old_refusals.run(database=world.database, clock=world.clock)
        assert await left(world, refused_handshake.c.station_id) == ["29"]
