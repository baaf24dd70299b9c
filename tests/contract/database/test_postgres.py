"""PostgreSQL takes the exam; then what only it can get wrong: lost connections, deadlocks, processes."""

# ruff: noqa: PT012 - some refusals come with the COMMIT, when the block ends

import asyncio
from typing import Any

import pytest
from sqlalchemy import func, insert, select, text, update
from tests.contract.database.exam import NOW, DatabaseExam, a_fact, a_frame_row, a_mark, marks

from stationmaster.frames.tables import charger_data
from stationmaster.infra.db import migrate
from stationmaster.infra.db.again import with_retries
from stationmaster.infra.db.database import Database
from stationmaster.infra.db.errors import Conflict
from stationmaster.infra.db.partitions import drop_partitions_before, ensure_partitions
from stationmaster.infra.db.postgres import PostgresDatabase
from stationmaster.infra.db.tables import counter, link_mark
from stationmaster.infra.runtime import Runtime
from stationmaster.kernel.errors import Unavailable

pytestmark = pytest.mark.services

KILL_OTHERS = text(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
)


async def kill_all_but_ours(database: Database) -> None:
    async with database.transaction() as uow:
        await uow.execute(KILL_OTHERS)


class TestPostgres(DatabaseExam):
    def make(self, url: str) -> Database:
        return PostgresDatabase(url, pool_size=4, lock_timeout_s=2)

    @pytest.fixture
    def url(self, postgres_url: str) -> str:
        migrate.upgrade(postgres_url)
        return postgres_url

    async def test_both_spellings_of_the_url(self, url: str) -> None:
        database = self.make(url.replace("postgresql://", "postgres://"))
        await database.start()
        await database.stop()

    async def test_nobody_there_is_unavailable(self) -> None:
        database = PostgresDatabase("postgresql://nobody@127.0.0.1:1/none")
        with pytest.raises(Unavailable):
            await database.start()
        await database.stop()

    async def test_connections_that_died_in_the_pool_are_replaced(self, handles: list[Database]) -> None:
        async def touch() -> None:
            async with handles[0].transaction() as uow:
                await uow.execute(text("SELECT pg_sleep(0.05)"))

        await asyncio.gather(*(touch() for _ in range(4)))
        await kill_all_but_ours(handles[1])
        await asyncio.gather(*(touch() for _ in range(4)))

    async def test_a_connection_lost_inside_a_unit_is_unavailable(self, handles: list[Database]) -> None:
        with pytest.raises(Unavailable):
            async with handles[0].transaction() as uow:
                await uow.execute(insert(link_mark).values(a_mark("S1")))
                await kill_all_but_ours(handles[1])
                await uow.execute(select(link_mark))
        assert await marks(handles[0]) == {}

    async def test_a_connection_lost_before_the_commit_is_unavailable(self, handles: list[Database]) -> None:
        with pytest.raises(Unavailable):
            async with handles[0].transaction() as uow:
                await uow.execute(insert(link_mark).values(a_mark("S1")))
                await kill_all_but_ours(handles[1])
        assert await marks(handles[0]) == {}

    async def test_a_cancelled_statement_leaves_no_open_transaction(self, handles: list[Database]) -> None:
        async def sleep() -> None:
            async with handles[0].transaction() as uow:
                await uow.execute(text("SELECT pg_sleep(30)"))

        task = asyncio.ensure_future(sleep())
        await asyncio.sleep(0.3)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        async with handles[1].reading() as reader:
            statement = text(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
                "AND pid <> pg_backend_pid() AND state <> 'idle'"
            )
            assert (await reader.execute(statement)).scalar() == 0

    async def test_a_deadlock_is_a_conflict_and_trying_again_helps(self, handles: list[Database]) -> None:
        runtime = Runtime()
        async with handles[0].transaction() as uow:
            await uow.bulk_insert(counter, [{"name": name, "value": 0} for name in "ab"])
        both = asyncio.Barrier(2)
        conflicts: list[str] = []

        async def add(order: str, database: Database) -> None:
            first_try = True

            async def do(uow: Any) -> None:
                nonlocal first_try
                for name in order:
                    try:
                        statement = (
                            update(counter).where(counter.c.name == name).values(value=counter.c.value + 1)
                        )
                        await uow.execute(statement)
                    except Conflict as conflict:
                        conflicts.append(str(conflict.params["why"]))
                        raise
                    if first_try:
                        first_try = False
                        await both.wait()

            await with_retries(database, runtime, do)

        await asyncio.gather(add("ab", handles[0]), add("ba", handles[1]))
        assert conflicts == ["deadlock"]
        async with handles[0].reading() as reader:
            assert (await reader.execute(select(func.sum(counter.c.value)))).scalar() == 4

    async def test_waiting_too_long_for_a_lock_is_a_conflict(self, handles: list[Database]) -> None:
        async with handles[0].transaction() as uow:
            await uow.bulk_insert(counter, [{"name": "n", "value": 0}])
        async with handles[0].transaction() as uow:
            await uow.execute(update(counter).values(value=1))
            with pytest.raises(Conflict):
                async with handles[1].transaction() as other:
                    await other.execute(update(counter).values(value=2))

    async def test_a_commit_elsewhere_wakes_this_process(self, handles: list[Database]) -> None:
        woken = asyncio.Event()
        handles[0].on_commit(woken.set)
        async with asyncio.timeout(5):
            await woken.wait()  # the new listener's own
        woken.clear()
        async with handles[1].transaction() as uow:
            uow.announce(a_fact())
        async with asyncio.timeout(5):
            await woken.wait()

    async def test_the_listener_comes_back(self, handles: list[Database]) -> None:
        woken = asyncio.Event()
        handles[0].on_commit(woken.set)
        async with asyncio.timeout(5):
            await woken.wait()
        await kill_all_but_ours(handles[1])
        woken.clear()
        async with asyncio.timeout(20):
            await woken.wait()  # said by the new connection

    async def test_leadership_ends_with_its_connection(self, handles: list[Database]) -> None:
        with pytest.raises(Unavailable) as caught:
            async with handles[0].leader("job:a") as mine:
                assert mine
                await kill_all_but_ours(handles[1])
                async with asyncio.timeout(10):
                    await asyncio.Event().wait()
        assert caught.value.code == "leadership_lost"
        async with handles[1].leader("job:a") as theirs:
            assert theirs
        async with handles[0].leader("job:b") as mine:
            assert mine

    async def test_a_loss_ends_tenures_inside_each_other(self, handles: list[Database]) -> None:
        with pytest.raises(Unavailable):
            async with handles[0].leader("job:a"), handles[0].leader("job:b"):
                await kill_all_but_ours(handles[1])
                await asyncio.sleep(10)
        task = asyncio.current_task()
        assert task is not None
        assert task.cancelling() == 0

    async def test_opposite_transfers_do_not_deadlock(self, handles: list[Database]) -> None:
        from tests.contract.database.exam import a_ledger, transfer

        ids = await a_ledger(handles[0])
        async with handles[0].transaction() as uow:
            await transfer(uow, ids["wallet"], ids["hold"], 250, key="half")

        async def move(n: int) -> None:
            debit, credit = (ids["wallet"], ids["hold"]) if n % 2 else (ids["hold"], ids["wallet"])
            async with handles[n % 2].transaction() as uow:
                await transfer(uow, debit, credit, 1, key=f"move{n}")

        await asyncio.gather(*(move(n) for n in range(40)))

    async def test_days_are_made_filled_and_dropped(self, database: Database) -> None:
        async with database.transaction() as uow:
            await uow.copy(charger_data, [a_frame_row(i) for i in range(10)])
        made = await ensure_partitions(database, charger_data, days_ahead=2, now=NOW)
        assert made == ["charger_data_p20260301", "charger_data_p20260302", "charger_data_p20260303"]
        assert await ensure_partitions(database, charger_data, days_ahead=2, now=NOW) == []
        async with database.transaction() as uow:
            await uow.copy(charger_data, [a_frame_row(i) for i in range(10, 20)])
            count = await uow.execute(text("SELECT count(*) FROM ONLY charger_data_p20260301"))
            assert count.scalar() == 20
            indexes = text("SELECT count(*) FROM pg_indexes WHERE tablename = 'charger_data_p20260301'")
            assert (await uow.execute(indexes)).scalar() == 2
        assert await drop_partitions_before(database, charger_data, before=NOW.replace(day=2)) == 1
        async with database.reading() as reader:
            assert (await reader.execute(select(func.count()).select_from(charger_data))).scalar() == 0
