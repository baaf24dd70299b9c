"""Which schema does a database have, which should it have, and how does it get there?

Forward only, both engines, from the installed package. Several processes may start at once: one migrates,
the others wait and find nothing to do. The functions block; from a running event loop call them in a
thread.
"""

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, NullPool, create_engine, event
from sqlalchemy.ext.asyncio import create_async_engine

from stationmaster.infra.db import pg_errors, sqlite_errors, urls
from stationmaster.infra.db.pg_leader import lock_key
from stationmaster.kernel.errors import Refused

T = TypeVar("T")

_one_thread = threading.Lock()  # Alembic keeps its state in module globals.
HEAD = "head"
SQLITE_WAIT_MS = 60_000
CONNECT_WITHIN_S = 10.0


def upgrade(url: str, target: str = HEAD) -> None:
    """Bring the schema to ``target``."""
    with _one_thread:
        _on(url, lambda connection: _upgrade(connection, target))


def current(url: str) -> str | None:
    """The revision the database has; None for an empty one."""
    if urls.dialect_of(url) == urls.SQLITE and not Path(urls.sqlite_path(url)).exists():
        return None
    return _on(url, _current)


def head() -> str:
    """The newest revision this program knows."""
    revision = ScriptDirectory.from_config(_config()).get_current_head()
    assert revision is not None
    return revision


def pending(url: str) -> list[str]:
    """Revisions still to come, in order; empty is good. Raises Refused for a schema newer than this
    program."""
    have = current(url)
    script = ScriptDirectory.from_config(_config())
    known = [revision.revision for revision in script.walk_revisions()][::-1]
    if have is None:
        return known
    if have not in known:
        raise Refused(
            "schema_unknown",
            f"The database has revision {have}, which this program does not know.",
            hint="It was migrated by a newer version: update this one.",
        )
    return known[known.index(have) + 1 :]


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    return config


def _upgrade(connection: Connection, target: str) -> None:
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, target)


def _current(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _on(url: str, do: Callable[[Connection], T]) -> T:
    """Run ``do`` on a connection where nobody else migrates meanwhile."""
    if urls.dialect_of(url) == urls.SQLITE:
        return _on_sqlite(url, do)
    return _blocking(lambda: asyncio.run(_on_postgresql(url, do)))


async def _on_postgresql(url: str, do: Callable[[Connection], T]) -> T:
    settings = {"application_name": "stationmaster-migrate", "timezone": "UTC"}
    engine = create_async_engine(
        urls.asyncpg_url(url),
        poolclass=NullPool,
        connect_args={"server_settings": settings, "timeout": CONNECT_WITHIN_S},
    )
    try:
        async with engine.connect() as connection:
            return await connection.run_sync(_alone, do)
    except pg_errors.DRIVER_ERRORS as error:
        raise pg_errors.translate(error) from error
    finally:
        await engine.dispose()


def _alone(connection: Connection, do: Callable[[Connection], T]) -> T:
    """The lock is the session's: it ends with the connection, whatever happens in between."""
    connection.exec_driver_sql(f"SELECT pg_advisory_lock({lock_key('migrate')})")
    connection.commit()
    return do(connection)


def _on_sqlite(url: str, do: Callable[[Connection], T]) -> T:
    engine = create_engine(urls.sqlite_url(urls.sqlite_path(url)), poolclass=NullPool)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    try:
        with engine.connect() as connection:
            result = do(connection)
            broken = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
    except sqlite_errors.DRIVER_ERRORS as error:
        raise sqlite_errors.translate(error) from error
    finally:
        engine.dispose()
    if broken:
        raise RuntimeError(f"rows without their parents after the migration: {broken[:5]}")
    return result


def _prepare_sqlite(connection: sqlite3.Connection, _record: Any) -> None:
    """Transactions are ours to begin. Foreign keys rest while tables are copied; they are checked at the
    end."""
    connection.isolation_level = None
    connection.execute(f"PRAGMA busy_timeout = {SQLITE_WAIT_MS}")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA foreign_keys = OFF")


def _blocking(do: Callable[[], T]) -> T:
    """In a thread of its own when this one already runs an event loop."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return do()
    results: list[T] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(do())
        except BaseException as error:  # noqa: BLE001 - handed over to the caller's thread below
            errors.append(error)

    thread = threading.Thread(target=run, name="migrate")
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
    return results[0]
