"""A file that keeps what it was told: SQLite, write-ahead log, flushed to disk with every commit.

Work that arrives while a commit runs waits and shares the next one (group commit), so the cost of a flush is
divided by the load. ``in_thread`` commits in the caller's thread, for deterministic runs.
"""

import asyncio
import fcntl
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol, TypeVar

import structlog

from stationmaster.kernel.errors import Unavailable

log = structlog.get_logger()

T = TypeVar("T")
Work = Callable[[sqlite3.Connection], Any]
Outcome = tuple[Any, Exception | None]


class JournalUnavailable(Unavailable):
    """The disk refused, or the file is somebody else's."""


@dataclass(slots=True)
class Unit:
    """One caller's part of a commit; ``done`` hears its result or the commit's failure."""

    work: Work
    done: Callable[[Any, Exception | None], None]


class Joiner(Protocol):
    """Somebody who adds to a commit at the last moment, so that what waits is packed as late as possible."""

    def __call__(self) -> Unit | None: ...


class Journal:
    """One writer, one file. ``open`` creates it; a second process that opens it gets JournalUnavailable."""

    def __init__(self, path: Path | str, *, in_thread: bool = False) -> None:
        self.path = Path(path)
        self._in_thread = in_thread
        self._connection: sqlite3.Connection | None = None
        self._lock: IO[bytes] | None = None
        self._executor: ThreadPoolExecutor | None = None
        self._units: list[Unit] = []
        self._joiners: list[Joiner] = []
        self._is_committing = False
        self._is_scheduled = False

    @property
    def is_open(self) -> bool:
        return self._connection is not None

    def open(self, schema: str) -> None:
        """Idempotent; each user of a shared file brings its own tables."""
        if self._connection is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._take_lock()
            self._connection = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False)
            self._connection.execute("PRAGMA journal_mode=WAL")
            self._connection.execute("PRAGMA synchronous=FULL")
            if not self._in_thread:
                self._executor = ThreadPoolExecutor(1, thread_name_prefix="journal")
        self._connection.executescript(schema)

    def _take_lock(self) -> None:
        self._lock = Path(f"{self.path}.lock").open("ab")  # noqa: SIM115 - held for as long as the journal is open
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._lock.close()
            raise JournalUnavailable("journal_in_use", f"{self.path} is open in another process") from error

    async def close(self) -> None:
        """Commit what waits, then let go."""
        if self._connection is None:
            return
        await self.write(lambda _connection: None)
        self.abandon()

    def abandon(self) -> None:
        """Let go at once, as a crash would: nothing more is committed."""
        if self._executor is not None:
            self._executor.shutdown(wait=True, cancel_futures=True)
            self._executor = None
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        if self._lock is not None:
            self._lock.close()
        self._units.clear()

    def join(self, joiner: Joiner) -> None:
        """Ask this one before every commit."""
        self._joiners.append(joiner)

    async def write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Done and on disk when it returns. Raises JournalUnavailable: then nothing of it is there."""
        if self._connection is None:
            raise JournalUnavailable("journal_closed", f"{self.path} is not open")
        result: asyncio.Future[T] = asyncio.get_running_loop().create_future()

        def done(value: Any, error: Exception | None) -> None:
            if result.done():
                return
            if error is None:
                result.set_result(value)
            else:
                result.set_exception(JournalUnavailable("journal_failed", str(error)))

        self._units.append(Unit(work, done))
        self.wake()
        return await result

    async def read(self, sql: str, parameters: tuple[object, ...] = ()) -> list[tuple[Any, ...]]:
        """Sees every commit that was begun before."""

        def query(connection: sqlite3.Connection) -> list[tuple[Any, ...]]:
            return connection.execute(sql, parameters).fetchall()

        return await self.write(query)

    def wake(self) -> None:
        """There is work: commit as soon as the running commit ends."""
        if not self._is_scheduled and not self._is_committing:
            self._is_scheduled = True
            # The next turn of the loop, so that everything of this turn goes into one commit.
            asyncio.get_running_loop().call_soon(self._begin)

    def _begin(self) -> None:
        self._is_scheduled = False
        if self._connection is None or self._is_committing:
            return
        joined = [unit for joiner in self._joiners if (unit := joiner()) is not None]
        units, self._units = [*self._units, *joined], []
        if not units:
            return
        if self._executor is None:
            self._end(units, _commit(self._connection, units))
            return
        self._is_committing = True
        loop = asyncio.get_running_loop()
        running = loop.run_in_executor(self._executor, _commit, self._connection, units)
        running.add_done_callback(lambda future: self._committed(units, future))

    def _committed(self, units: list[Unit], running: "asyncio.Future[list[Outcome]]") -> None:
        self._is_committing = False
        if running.cancelled():
            return  # abandoned
        self._end(units, running.result())
        self._begin()

    def _end(self, units: list[Unit], outcomes: list[Outcome]) -> None:
        failed = next((error for _, error in outcomes if error is not None), None)
        if failed is not None:
            log.error("journal.commit_failed", path=str(self.path), reason=str(failed))
        for unit, (result, error) in zip(units, outcomes, strict=True):
            unit.done(result, error)


def _commit(connection: sqlite3.Connection, units: list[Unit]) -> list[Outcome]:
    """All or nothing; runs in the journal's thread. Only where a unit itself is at fault (a value that cannot
    be written) does each get a commit of its own, so that nobody else fails with it.
    """
    try:
        connection.execute("BEGIN IMMEDIATE")
        results = [unit.work(connection) for unit in units]
        connection.execute("COMMIT")
    except Exception as error:  # noqa: BLE001 - whoever waits must hear of it, whatever it is
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        if isinstance(error, sqlite3.Error) or len(units) == 1:
            return [(None, error)] * len(units)
        return [outcome for unit in units for outcome in _commit(connection, [unit])]
    return [(result, None) for result in results]
