"""SQLite takes the exam, with the commit in the loop's thread and outside of it; then what only it can get
wrong."""

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import func, insert, select, text
from tests.contract.database.exam import NOW, DatabaseExam, a_frame_row, a_ledger, a_mark, marks

from stationmaster.frames.tables import charger_data
from stationmaster.infra.db import migrate
from stationmaster.infra.db.database import Database
from stationmaster.infra.db.errors import Violation
from stationmaster.infra.db.partitions import drop_partitions_before, ensure_partitions
from stationmaster.infra.db.sqlite import SqliteDatabase
from stationmaster.infra.db.tables import link_mark
from stationmaster.kernel.errors import Unavailable


class TestSqlite(DatabaseExam):
    def make(self, url: str) -> Database:
        return SqliteDatabase(url)

    @pytest.fixture
    def url(self, tmp_path: Path) -> str:
        url = f"sqlite:///{tmp_path}/exam.db"
        migrate.upgrade(url)
        return url

    async def test_replacing_a_row_of_the_journal_is_refused_too(self, database: Database) -> None:
        await a_ledger(database)
        with pytest.raises(Violation):
            async with database.transaction() as uow:
                await uow.execute(
                    text(
                        "INSERT OR REPLACE INTO ledger_transfer SELECT id, transaction_id, leg, "
                        "debit_account_id, credit_account_id, amount + 1, currency FROM ledger_transfer"
                    )
                )

    async def test_a_unit_inside_a_unit_is_a_mistake_and_not_a_deadlock(self, database: Database) -> None:
        with pytest.raises(RuntimeError, match="inside another"):
            async with database.transaction(), database.transaction():
                pass
        async with database.transaction():
            pass

    async def test_it_is_durable_by_default(self, database: Database) -> None:
        async with database.transaction() as uow:
            assert (await uow.execute(text("PRAGMA synchronous"))).scalar() == 2
            assert (await uow.execute(text("PRAGMA journal_mode"))).scalar() == "wal"
            assert (await uow.execute(text("PRAGMA foreign_keys"))).scalar() == 1

    async def test_a_path_that_cannot_be_is_unavailable(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        database = SqliteDatabase(tmp_path / "file" / "database.db")
        with pytest.raises(Unavailable):
            await database.start()
        not_a_database = tmp_path / "text.db"
        not_a_database.write_text("something else" * 1000)
        database = SqliteDatabase(not_a_database)
        with pytest.raises(Unavailable):
            await database.start()

    async def test_old_days_are_deleted(self, database: Database) -> None:
        assert await ensure_partitions(database, charger_data, days_ahead=2, now=NOW) == []
        async with database.transaction() as uow:
            await uow.copy(charger_data, [a_frame_row(i) for i in range(10)])
        assert await drop_partitions_before(database, charger_data, before=NOW) == 0
        assert await drop_partitions_before(database, charger_data, before=NOW.replace(day=2)) == 10
        async with database.reading() as reader:
            assert (await reader.execute(select(func.count()).select_from(charger_data))).scalar() == 0


class TestSqliteCommittingInAThread(TestSqlite):
    def make(self, url: str) -> Database:
        return SqliteDatabase(url, commit_in_thread=True)

    async def test_cancelling_during_the_commit_still_ends_it(self, database: Database) -> None:
        async def work() -> None:
            async with database.transaction() as uow:
                await uow.execute(insert(link_mark).values(a_mark("S1")))

        for _ in range(20):
            task = asyncio.ensure_future(work())
            await asyncio.sleep(0)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            async with database.transaction() as uow:
                await uow.execute(text("DELETE FROM link_mark"))
        assert await marks(database) == {}


@pytest.mark.anyio
async def test_a_database_in_memory_is_private_and_gone_afterwards() -> None:
    first, second = SqliteDatabase(":memory:"), SqliteDatabase(":memory:")
    for database in (first, second):
        migrate.upgrade(database.url)
        await database.start()
    async with first.transaction() as uow:
        await uow.execute(insert(link_mark).values(a_mark("S1")))
    assert await marks(second) == {}
    assert await marks(first) == {"S1": 0}
    for database in (first, second):
        await database.stop()
        assert not database.path.exists()
