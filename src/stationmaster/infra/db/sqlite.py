"""The database port on SQLite: SQLAlchemy Core's statements on the standard library's driver, called in the
event loop's thread.

Called in-thread a run is deterministic, and a statement costs no hand-over. One connection writes, guarded
by a lock (SQLite has one writer anyway); others read, each in a snapshot of its own (WAL).
"""

import asyncio
import shutil
import sqlite3
import tempfile
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Literal, NoReturn, cast

import structlog
from sqlalchemy import Connection, Engine, Executable, NullPool, Table, create_engine, text
from sqlalchemy.dialects.sqlite import pysqlite
from sqlalchemy.engine.cursor import FullyBufferedCursorFetchStrategy

from stationmaster.contracts.topology import Names
from stationmaster.infra.db import sqlite_bulk, urls
from stationmaster.infra.db.database import Reader, Rows, UnitOfWork
from stationmaster.infra.db.errors import Conflict
from stationmaster.infra.db.sqlite_errors import DRIVER_ERRORS, translate
from stationmaster.infra.db.sqlite_leader import FileLeadership
from stationmaster.infra.db.statements import Statements
from stationmaster.infra.db.tables import outbox
from stationmaster.infra.db.unit import HintSink, Outgoing
from stationmaster.infra.runtime import Runtime
from stationmaster.kernel.errors import Unavailable

log = structlog.get_logger()

WRITER_WITHIN_S = 10.0
BUSY_PAUSE_S = 0.005
BUSY_TIMEOUT_MS = 250  # Short: this wait would hold up the event loop. BEGIN IMMEDIATE waits outside of it.
READERS_KEPT = 8
_ONE = text("SELECT 1")
CACHE_KIB = 32 * 1024
JOURNAL_KEPT_BYTES = 64 * 1024 * 1024


class _Reading:
    """Statements on one connection, results taken whole."""

    def __init__(self, connection: Connection, statements: Statements):
        self._connection, self._statements = connection, statements
        self._driver = _driver(connection)

    async def execute(self, statement: Executable, parameters: Mapping[str, Any] | None = None) -> Rows:
        try:
            if (plan := self._statements.plan_of(statement, parameters)) is not None:
                cursor = self._driver.execute(plan.sql, plan.arguments)
                return cast("Rows", plan.fetched(cursor.fetchall(), cursor.rowcount))
            result = self._connection.execute(statement, parameters)
            if result.returns_rows:
                # An open cursor would keep its snapshot and get in the way of the next COMMIT.
                result.cursor_strategy = FullyBufferedCursorFetchStrategy(cast("Any", result.cursor))
        except DRIVER_ERRORS as error:
            self._raise(error)
        return cast("Rows", result)

    def _raise(self, error: Exception) -> NoReturn:
        ours = translate(error)
        if ours is error:
            raise error
        raise ours from error


class _Unit(Outgoing, _Reading):
    """See the port."""

    def __init__(self, writer: "_Writer", statements: Statements, names: Names, runtime: Runtime):
        Outgoing.__init__(self, names, runtime.clock.now)
        _Reading.__init__(self, writer.connection, statements)
        self._writer = writer

    async def execute(self, statement: Executable, parameters: Mapping[str, Any] | None = None) -> Rows:
        self.check_usable()
        return await super().execute(statement, parameters)

    async def execute_many(self, statement: Executable, parameters: Sequence[Mapping[str, Any]]) -> None:
        self.check_usable()
        if not parameters:
            return
        try:
            self._connection.execute(statement, parameters)
        except DRIVER_ERRORS as error:
            self._raise(error)

    async def bulk_insert(
        self, table: Table, rows: Sequence[Mapping[str, Any]], *, ignore_conflicts: bool = False
    ) -> None:
        if rows:
            self._bulk(sqlite_bulk.insert(table, tuple(rows[0]), ignore_conflicts), rows)

    async def bulk_update(
        self, table: Table, rows: Sequence[Mapping[str, Any]], *, key: Sequence[str]
    ) -> None:
        if rows:
            self._bulk(sqlite_bulk.update(table, tuple(rows[0]), tuple(key)), rows)

    async def bulk_upsert(
        self, table: Table, rows: Sequence[Mapping[str, Any]], *, key: Sequence[str], update: Sequence[str]
    ) -> None:
        if rows:
            self._bulk(sqlite_bulk.upsert(table, tuple(rows[0]), tuple(key), tuple(update)), rows)

    async def copy(self, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
        await self.bulk_insert(table, rows)

    def locked(self, statement: Any) -> Any:
        return statement

    async def take_turns(self, names: Collection[str]) -> None:  # noqa: ARG002 - the port's
        self.check_usable()

    async def commit(self) -> None:
        self.check_usable()
        await self.bulk_insert(outbox, self.outbox_rows())
        try:
            await self._writer.commit()
        except DRIVER_ERRORS as error:
            self._raise(error)

    def _bulk(self, statement: sqlite_bulk.Statement, rows: Sequence[Mapping[str, Any]]) -> None:
        self.check_usable()
        try:
            self._writer.driver.executemany(statement.sql, statement.values(rows))
        except DRIVER_ERRORS as error:
            self._raise(error)

    def _raise(self, error: Exception) -> NoReturn:
        self.failed = True
        super()._raise(error)


class _Writer:
    """The one connection that writes."""

    def __init__(self, engine: Engine, runtime: Runtime, thread: ThreadPoolExecutor | None):
        self.connection = engine.connect()
        self.driver = _driver(self.connection)
        self._runtime = runtime
        self._thread = thread
        self._turn = asyncio.Lock()
        self._holder: asyncio.Task[Any] | None = None

    async def begin(self) -> None:
        """Raises Conflict when others do not let go of the lock in time."""
        me = asyncio.current_task()
        if me is not None and self._holder is me:
            raise RuntimeError("a unit of work was opened inside another one of the same task")
        try:
            async with asyncio.timeout(None if not self._turn.locked() else WRITER_WITHIN_S):
                await self._turn.acquire()
        except TimeoutError as error:
            raise Conflict(
                "database_conflict", "Another unit of work holds the writer.", why="turn"
            ) from error
        try:
            await self._begin_immediate()
        except BaseException:
            self._turn.release()
            raise
        self._holder = me

    async def _begin_immediate(self) -> None:
        """Another handle or process may be writing: wait for it without holding up the event loop."""
        deadline = self._runtime.clock.monotonic() + WRITER_WITHIN_S
        while True:
            try:
                self.driver.execute("BEGIN IMMEDIATE")
            except sqlite3.Error as error:
                ours = translate(error)
                if not isinstance(ours, Conflict) or self._runtime.clock.monotonic() > deadline:
                    raise ours from error
            else:
                return
            await self._runtime.sleep(BUSY_PAUSE_S)

    async def commit(self) -> None:
        if self._thread is None:
            self.driver.execute("COMMIT")
            return
        loop = asyncio.get_running_loop()
        done = loop.run_in_executor(self._thread, self.driver.execute, "COMMIT")
        try:
            await asyncio.shield(done)
        except asyncio.CancelledError:
            await asyncio.wait([done])  # The connection is in the thread's hands until then.
            raise

    def end(self) -> None:
        """Whatever was not committed is gone."""
        try:
            if self.driver.in_transaction:
                self.driver.execute("ROLLBACK")
        finally:
            self._holder = None
            self._turn.release()

    def close(self) -> None:
        self.connection.close()


class SqliteDatabase:
    """See the port. ``path`` may be ``:memory:``: a private database in a temporary place, gone with
    ``stop``.

    ``commit_in_thread`` (or ``in_thread=False``) hands the COMMIT, with its wait for the disk, to a thread,
    so that the event loop goes on meanwhile; everything else stays in the loop's thread.
    """

    dialect: Literal["postgresql", "sqlite"] = "sqlite"

    def __init__(
        self,
        path: str | Path,
        *,
        in_thread: bool = True,
        commit_in_thread: bool = False,
        runtime: Runtime | None = None,
        names: Names | None = None,
        synchronous: str = "FULL",
    ):
        self._temporary: str | None = None
        if str(path) == ":memory:":
            self._temporary = tempfile.mkdtemp(prefix="stationmaster-", dir=_memory_folder())
            path, synchronous = Path(self._temporary) / "memory.db", "OFF"
        self.path = Path(urls.sqlite_path(str(path)))
        self.url = urls.sqlite_url(self.path)
        self._runtime = runtime or Runtime()
        self._names = names or Names()
        self._synchronous = synchronous
        self._commits_in_thread = commit_in_thread or not in_thread
        self._thread: ThreadPoolExecutor | None = None
        self._engine: Engine | None = None
        self._statements = Statements(pysqlite.dialect())
        self._writer: _Writer | None = None
        self._readers: list[Connection] = []
        self._wakes: list[Callable[[], None]] = []
        self._hint_sink: HintSink | None = None
        self._leadership = FileLeadership(self.path.with_name(self.path.name + ".leaders"))

    async def start(self) -> None:
        """Ready to be used; raises Unavailable when the file cannot be."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._engine = create_engine(
                "sqlite://", creator=self._connect, poolclass=NullPool, isolation_level="AUTOCOMMIT"
            )
            if self._commits_in_thread:
                self._thread = ThreadPoolExecutor(1, thread_name_prefix="database-commit")
            self._writer = _Writer(self._engine, self._runtime, self._thread)
        except OSError as error:
            raise Unavailable("database_unavailable", str(error)) from error
        except DRIVER_ERRORS as error:
            raise translate(error) from error

    async def stop(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None
        while self._readers:
            self._readers.pop().close()
        if self._thread is not None:
            self._thread.shutdown()
        self._engine = None
        if self._temporary is not None:
            shutil.rmtree(self._temporary, ignore_errors=True)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[UnitOfWork]:
        writer = self._writer
        if writer is None:
            raise _not_started()
        await writer.begin()
        try:
            unit = _Unit(writer, self._statements, self._names, self._runtime)
            yield unit
            await unit.commit()
        finally:
            writer.end()
        if unit.says_something:
            self._wake()
        await unit.tell(self._hint_sink)

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Reader]:
        connection = self._reader()
        driver = _driver(connection)
        driver.execute("BEGIN")
        try:
            yield _Reading(connection, self._statements)
        finally:
            driver.execute("ROLLBACK")
            if self._engine is not None and len(self._readers) < READERS_KEPT:
                self._readers.append(connection)
            else:
                connection.close()

    def leader(self, name: str) -> Any:
        return self._leadership.tenure(name)

    async def ping(self) -> None:
        async with self.reading() as reader:
            await reader.execute(_ONE)

    def on_commit(self, wake: Callable[[], None]) -> None:
        self._wakes.append(wake)

    def on_hints(self, publish: HintSink) -> None:
        self._hint_sink = publish

    def _wake(self) -> None:
        for wake in self._wakes:
            wake()

    def _reader(self) -> Connection:
        if self._readers:
            return self._readers.pop()
        if self._engine is None:
            raise _not_started()
        try:
            connection = self._engine.connect()
            _driver(connection).execute("PRAGMA query_only = ON")
        except DRIVER_ERRORS as error:
            raise translate(error) from error
        return connection

    def _connect(self) -> sqlite3.Connection:
        """No transactions of the driver's own making: we say BEGIN IMMEDIATE (Python 3.11 knows no
        autocommit)."""
        connection = sqlite3.connect(
            self.path, isolation_level=None, check_same_thread=False, cached_statements=512
        )
        for pragma in (
            f"busy_timeout = {BUSY_TIMEOUT_MS}",
            "journal_mode = WAL",
            f"synchronous = {self._synchronous}",
            "foreign_keys = ON",
            "recursive_triggers = ON",  # else REPLACE would delete from the journal without a trigger
            f"cache_size = -{CACHE_KIB}",
            "temp_store = MEMORY",
            f"journal_size_limit = {JOURNAL_KEPT_BYTES}",
        ):
            connection.execute(f"PRAGMA {pragma}")
        return connection


def _driver(connection: Connection) -> sqlite3.Connection:
    return cast("sqlite3.Connection", connection.connection.driver_connection)


def _not_started() -> Unavailable:
    return Unavailable("database_unavailable", "The database was not started.")


def _memory_folder() -> str | None:
    """A file system in memory where there is one."""
    return "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 - a private folder is made in it
