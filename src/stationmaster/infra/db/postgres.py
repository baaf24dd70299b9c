"""The database port on PostgreSQL: SQLAlchemy Core's statements, its pool, and asyncpg for the rest.

Transactions are begun and ended here by plain statements on the driver's connection (SQLAlchemy's engine is
in AUTOCOMMIT and adds nothing), so a unit of work costs one round trip to begin and one to commit, and bulk
statements need no detour.
"""

import zlib
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Literal, NoReturn, TypeAlias, cast

import asyncpg
import structlog
from sqlalchemy import Executable, Table
from sqlalchemy.dialects.postgresql import asyncpg as asyncpg_dialect
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from stationmaster.contracts.topology import Names
from stationmaster.infra.db import pg_bulk, urls
from stationmaster.infra.db.database import Reader, Rows, UnitOfWork
from stationmaster.infra.db.errors import UnitFailed
from stationmaster.infra.db.pg_errors import DRIVER_ERRORS, is_away, translate
from stationmaster.infra.db.pg_leader import Leadership
from stationmaster.infra.db.pg_listener import CHANNEL, Listener
from stationmaster.infra.db.statements import Fetched, Plan, Statements
from stationmaster.infra.db.tables import outbox
from stationmaster.infra.db.unit import HintSink, Outgoing
from stationmaster.infra.runtime import Runtime
from stationmaster.kernel.errors import Unavailable

log = structlog.get_logger()

Driver: TypeAlias = "asyncpg.Connection[Any]"
BEGIN_WRITE = "BEGIN ISOLATION LEVEL READ COMMITTED"
BEGIN_READ = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
CONNECT_WITHIN_S = 5.0
CHECKOUT_WITHIN_S = 10.0
PREPARED_STATEMENTS = 500
# Two numbers: a key space of its own, apart from the leaders' (one number of 64 bits). In the array's order.
TAKE_TURNS = "SELECT pg_advisory_xact_lock($1::int, turn) FROM unnest($2::int[]) AS turn"
TURNS = 1


class _Reading:
    """Statements on one connection."""

    def __init__(self, connection: AsyncConnection, driver: Driver, statements: Statements):
        self._connection, self._driver, self._statements = connection, driver, statements

    async def execute(self, statement: Executable, parameters: Mapping[str, Any] | None = None) -> Rows:
        try:
            plan = self._statements.plan_of(statement, parameters)
            if plan is None:
                return cast("Rows", await self._connection.execute(statement, parameters))
            return cast("Rows", await self._run(plan))
        except DRIVER_ERRORS as error:
            self._raise(error)

    async def _run(self, plan: Plan) -> Fetched:
        if plan.metadata is None:
            status = await self._driver.execute(plan.sql, *plan.arguments)
            return plan.fetched((), int(status.rpartition(" ")[2]))
        records = await self._driver.fetch(plan.sql, *plan.arguments)
        return plan.fetched([tuple(record) for record in records], len(records))

    async def end(self, driver: Driver) -> None:
        try:
            await driver.execute("COMMIT")
        except DRIVER_ERRORS as error:
            self._raise(error)

    def _raise(self, error: Exception) -> NoReturn:
        ours = translate(error)
        if ours is error:
            raise error
        raise ours from error


class _Unit(Outgoing, _Reading):
    """See the port."""

    def __init__(
        self,
        connection: AsyncConnection,
        driver: Driver,
        statements: Statements,
        names: Names,
        runtime: Runtime,
    ):
        Outgoing.__init__(self, names, runtime.clock.now)
        _Reading.__init__(self, connection, driver, statements)

    async def execute(self, statement: Executable, parameters: Mapping[str, Any] | None = None) -> Rows:
        self.check_usable()
        return await super().execute(statement, parameters)

    async def execute_many(self, statement: Executable, parameters: Sequence[Mapping[str, Any]]) -> None:
        self.check_usable()
        if not parameters:
            return
        try:
            await self._connection.execute(statement, parameters)
        except DRIVER_ERRORS as error:
            self._raise(error)

    async def bulk_insert(
        self, table: Table, rows: Sequence[Mapping[str, Any]], *, ignore_conflicts: bool = False
    ) -> None:
        if rows:
            await self._bulk(pg_bulk.insert(table, tuple(rows[0]), ignore_conflicts), rows)

    async def bulk_update(
        self, table: Table, rows: Sequence[Mapping[str, Any]], *, key: Sequence[str]
    ) -> None:
        if rows:
            await self._bulk(pg_bulk.update(table, tuple(rows[0]), tuple(key)), rows)

    async def bulk_upsert(
        self, table: Table, rows: Sequence[Mapping[str, Any]], *, key: Sequence[str], update: Sequence[str]
    ) -> None:
        if rows:
            await self._bulk(pg_bulk.upsert(table, tuple(rows[0]), tuple(key), tuple(update)), rows)

    async def copy(self, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
        self.check_usable()
        if not rows:
            return
        statement = pg_bulk.copy(table, tuple(rows[0]))
        try:
            await self._driver.copy_records_to_table(
                table.name, records=statement.records(rows), columns=list(statement.columns)
            )
        except DRIVER_ERRORS as error:
            self._raise(error)

    def locked(self, statement: Any) -> Any:
        return statement.with_for_update(key_share=True)

    async def take_turns(self, names: Collection[str]) -> None:
        """Ascending, so that two never wait for each other. Names that share a number wait in vain, no more."""
        self.check_usable()
        turns = sorted({zlib.crc32(name.encode()) - 2**31 for name in names})
        try:
            await self._driver.execute(TAKE_TURNS, TURNS, turns)
        except DRIVER_ERRORS as error:
            self._raise(error)

    async def commit(self) -> None:
        """With something said, the notification rides in the COMMIT's round trip."""
        self.check_usable()
        rows = self.outbox_rows()
        await self.bulk_insert(outbox, rows)
        try:
            ended = await self._driver.execute(f"NOTIFY {CHANNEL}; COMMIT" if rows else "COMMIT")
        except DRIVER_ERRORS as error:
            self._raise(error)
        if ended != "COMMIT":
            raise UnitFailed("the transaction had failed; the database rolled it back")

    async def _bulk(self, statement: pg_bulk.Statement, rows: Sequence[Mapping[str, Any]]) -> None:
        self.check_usable()
        try:
            await self._driver.execute(statement.sql, *statement.arrays(rows))
        except DRIVER_ERRORS as error:
            self._raise(error)

    def _raise(self, error: Exception) -> NoReturn:
        self.failed = True
        super()._raise(error)


class PostgresDatabase:
    """See the port. ``on_hints`` names who publishes the losable facts of every committed unit."""

    dialect: Literal["postgresql", "sqlite"] = "postgresql"

    def __init__(
        self,
        url: str,
        *,
        pool_size: int = 5,
        runtime: Runtime | None = None,
        names: Names | None = None,
        application_name: str = "stationmaster",
        statement_timeout_s: float = 30.0,
        lock_timeout_s: float = 5.0,
        idle_in_transaction_s: float = 5.0,
    ):
        self.url = url
        self._runtime = runtime or Runtime()
        self._names = names or Names()
        self._pool_size = pool_size
        self._command_timeout_s = statement_timeout_s + 5
        self._settings = _server_settings(
            application_name, statement_timeout_s, lock_timeout_s, idle_in_transaction_s
        )
        self._engine: AsyncEngine | None = None
        self._statements = Statements(asyncpg_dialect.dialect())  # type: ignore[no-untyped-call]
        self._wakes: list[Callable[[], None]] = []
        self._hint_sink: HintSink | None = None
        self._listener = Listener(self._connect, self._wake, self._runtime)
        self._leadership = Leadership(self._connect, self._runtime)

    async def start(self) -> None:
        """Ready to be used; raises Unavailable when the database is not there."""
        self._engine = create_async_engine(
            urls.asyncpg_url(self.url),
            isolation_level="AUTOCOMMIT",
            pool_size=self._pool_size,
            max_overflow=0,
            pool_timeout=CHECKOUT_WITHIN_S,
            pool_use_lifo=True,
            connect_args={
                "timeout": CONNECT_WITHIN_S,
                "command_timeout": self._command_timeout_s,
                "server_settings": self._settings,
                "prepared_statement_cache_size": PREPARED_STATEMENTS,
                "statement_cache_size": PREPARED_STATEMENTS,
            },
        )
        await self.ping()
        if self._wakes:
            self._listener.start()

    async def stop(self) -> None:
        await self._listener.stop()
        await self._leadership.stop()
        if self._engine is not None:
            await self._engine.dispose()
            self._engine = None

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[UnitOfWork]:
        async with self._begun(BEGIN_WRITE) as (connection, driver):
            unit = _Unit(connection, driver, self._statements, self._names, self._runtime)
            yield unit
            await unit.commit()
        if unit.says_something:
            self._wake()
        await unit.tell(self._hint_sink)

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Reader]:
        async with self._begun(BEGIN_READ) as (connection, driver):
            reader = _Reading(connection, driver, self._statements)
            yield reader
            await reader.end(driver)

    def leader(self, name: str) -> Any:
        return self._leadership.tenure(name)

    async def ping(self) -> None:
        connection, _driver = await self._checkout("SELECT 1")
        await connection.close()

    def on_commit(self, wake: Callable[[], None]) -> None:
        self._wakes.append(wake)
        if self._engine is not None:
            self._listener.start()

    def on_hints(self, publish: HintSink) -> None:
        self._hint_sink = publish

    @asynccontextmanager
    async def _begun(self, begin: str) -> AsyncIterator[tuple[AsyncConnection, Driver]]:
        """A connection inside a transaction; whatever is not ended when the context is left, is rolled
        back."""
        connection, driver = await self._checkout(begin)
        try:
            try:
                yield connection, driver
            except BaseException:
                await _roll_back(driver)
                raise
        finally:
            if not driver.is_closed() and driver.is_in_transaction():
                driver.terminate()  # Clean-up was cut short; such a connection never goes back as it is.
            await connection.close()

    async def _checkout(self, first: str) -> tuple[AsyncConnection, Driver]:
        """A pooled connection on which ``first`` has run. Connections that died in the pool are thrown
        away; nothing has happened on them yet, so the next one may be tried."""
        if self._engine is None:
            raise Unavailable("database_unavailable", "The database was not started.")
        for _ in range(self._pool_size + 1):
            connection, driver = await _connection_of(self._engine)
            try:
                await driver.execute(first)
            except BaseException as error:
                driver.terminate()
                await connection.close()
                if not is_away(error):
                    raise
            else:
                return connection, driver
        raise Unavailable(
            "database_unavailable", "No connection to the database survives its first statement."
        )

    async def _connect(self) -> Driver:
        """A connection outside the pool, for listening and leading. It may wait and be idle as long as it
        likes."""
        settings = {**self._settings, "idle_in_transaction_session_timeout": "0"}
        return await asyncpg.connect(
            urls.plain_postgres_url(self.url), timeout=CONNECT_WITHIN_S, server_settings=settings
        )

    def _wake(self) -> None:
        for wake in self._wakes:
            wake()


async def _connection_of(engine: AsyncEngine) -> tuple[AsyncConnection, Driver]:
    try:
        connection = await engine.connect()
    except Exception as error:
        raise translate(error) from error
    sync = connection.sync_connection
    assert sync is not None
    driver = cast("Driver", sync.connection.driver_connection)
    if driver.is_closed():
        # Known dead before use: costs nothing, and the pool makes a new one.
        await connection.invalidate()
        await connection.close()
        return await _connection_of(engine)
    return connection, driver


async def _roll_back(driver: Driver) -> None:
    if driver.is_closed() or not driver.is_in_transaction():
        return
    try:
        await driver.execute("ROLLBACK", timeout=CONNECT_WITHIN_S)
    except Exception as error:  # noqa: BLE001 - the cause is already on its way up; the connection is dropped
        log.warning("database.rollback_failed", error=str(error))
        driver.terminate()


def _server_settings(
    application_name: str, statement_s: float, lock_s: float, idle_in_transaction_s: float
) -> dict[str, str]:
    """A hung worker must not hold its locks for long (performance 9)."""
    return {
        "application_name": application_name,
        "timezone": "UTC",
        "statement_timeout": str(int(statement_s * 1000)),
        "lock_timeout": str(int(lock_s * 1000)),
        "idle_in_transaction_session_timeout": str(int(idle_in_transaction_s * 1000)),
        "tcp_keepalives_idle": "10",
        "tcp_keepalives_interval": "5",
        "tcp_keepalives_count": "3",
        "jit": "off",  # Our statements are short; compiling them costs more than running them.
    }
