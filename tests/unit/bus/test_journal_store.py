"""Group commit, locks and failing disks."""

import asyncio
import sqlite3
from pathlib import Path

import pytest

from stationmaster.infra.bus.journal import Journal, JournalUnavailable

pytestmark = pytest.mark.anyio
SCHEMA = "CREATE TABLE IF NOT EXISTS note (n INTEGER PRIMARY KEY);"


def insert(number: int, connection: sqlite3.Connection) -> int:
    connection.execute("INSERT INTO note VALUES (?)", (number,))
    return number * 10


@pytest.mark.parametrize("in_thread", [False, True])
async def test_what_was_written_is_there_for_the_next_to_open_it(tmp_path: Path, *, in_thread: bool) -> None:
    journal = Journal(tmp_path / "deep" / "journal.db", in_thread=in_thread)
    journal.open(SCHEMA)
    results = await asyncio.gather(*(journal.write(lambda c, n=n: insert(n, c)) for n in range(50)))
    assert results == [n * 10 for n in range(50)]
    journal.abandon()
    again = Journal(tmp_path / "deep" / "journal.db")
    again.open(SCHEMA)
    assert await again.read("SELECT count(*) FROM note") == [(50,)]
    await again.close()


async def test_writers_who_wait_share_a_commit(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.db")
    journal.open(SCHEMA)
    commits: list[int] = []
    journal.join(lambda: commits.append(1))  # asked once per commit
    await asyncio.gather(*(journal.write(lambda c, n=n: insert(n, c)) for n in range(500)))
    assert len(commits) < 50
    await journal.close()


async def test_a_failed_commit_fails_everybody_in_it_and_leaves_nothing(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.db")
    journal.open(SCHEMA)
    outcomes = await asyncio.gather(
        journal.write(lambda c: insert(1, c)),
        journal.write(lambda c: c.execute("INSERT INTO no_such_table VALUES (1)")),
        return_exceptions=True,
    )
    assert [type(outcome) for outcome in outcomes] == [JournalUnavailable, JournalUnavailable]
    assert await journal.read("SELECT count(*) FROM note") == [(0,)]
    assert await journal.write(lambda c: insert(1, c)) == 10
    await journal.close()


@pytest.mark.parametrize("in_thread", [False, True])
@pytest.mark.parametrize("value", [2**70, "\ud800"])
async def test_a_value_that_cannot_be_written_fails_its_writer_alone(
    tmp_path: Path, value: object, *, in_thread: bool
) -> None:
    journal = Journal(tmp_path / "journal.db", in_thread=in_thread)
    journal.open(SCHEMA)
    async with asyncio.timeout(5):
        outcomes = await asyncio.gather(
            journal.write(lambda c: insert(1, c)),
            journal.write(lambda c: c.execute("INSERT INTO note VALUES (?)", (value,))),
            journal.write(lambda c: insert(2, c)),
            return_exceptions=True,
        )
        assert [outcomes[0], type(outcomes[1]), outcomes[2]] == [10, JournalUnavailable, 20]
        assert await journal.read("SELECT n FROM note ORDER BY n") == [(1,), (2,)]
    await journal.close()


async def test_two_at_once_are_refused(tmp_path: Path) -> None:
    first, second = Journal(tmp_path / "journal.db"), Journal(tmp_path / "journal.db")
    first.open(SCHEMA)
    with pytest.raises(JournalUnavailable):
        second.open(SCHEMA)
    await first.close()
    second.open(SCHEMA)
    await second.close()


async def test_a_closed_journal_says_so(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.db")
    with pytest.raises(JournalUnavailable):
        await journal.write(lambda c: insert(1, c))
