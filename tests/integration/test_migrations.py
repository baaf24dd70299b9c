"""Does every revision run on a filled database of both engines, and does the last one equal the tables in
the code?

Rows are written at the revision that made their table (SAMPLES); after every later revision each of them
must still be there with the same values in the columns that remain. A new table without samples fails a
test.
"""

import importlib
import re
import threading
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, MetaData, Table, insert, inspect, select, text
from tests.integration.migration_samples import SAMPLES, Samples

import stationmaster
from stationmaster.infra.db import migrate, urls
from stationmaster.infra.db.metadata import metadata
from stationmaster.kernel.errors import Refused, Unavailable

for tables in sorted(Path(stationmaster.__file__).parent.glob("**/tables.py")):
    parts = tables.relative_to(Path(stationmaster.__file__).parent).with_suffix("").parts
    importlib.import_module(".".join(("stationmaster", *parts)))

NOT_OURS = {"alembic_version", "charger_data_default"}


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.services)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty database."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/migrations.db"
    else:
        yield request.getfixturevalue("empty_postgres_url")


def reflected(connection: Connection) -> dict[str, Table]:
    found = MetaData()
    found.reflect(connection)
    return {name: table for name, table in found.tables.items() if name not in NOT_OURS}


def test_a_new_database_gets_the_newest_schema(url: str) -> None:
    assert migrate.current(url) is None
    assert migrate.pending(url)[-1] == migrate.head()
    migrate.upgrade(url)
    assert migrate.current(url) == migrate.head()
    assert migrate.pending(url) == []
    migrate.upgrade(url)


def test_rows_survive_every_revision(url: str) -> None:
    written: Samples = {}
    for revision in migrate.pending(url):
        migrate.upgrade(url, revision)
        check_rows(url, written)
        samples = SAMPLES.get(revision, {})
        migrate._on(url, lambda connection, samples=samples: _fill(connection, samples))
        written.update(samples)
        check_rows(url, written)
    unsampled = set(migrate._on(url, reflected)) - set(written)
    assert not unsampled, f"add rows of these tables to SAMPLES: {unsampled}"


def check_rows(url: str, written: Samples) -> None:
    def check(connection: Connection) -> None:
        tables = reflected(connection)
        for name, rows in written.items():
            if name not in tables:
                continue  # dropped by a later revision, on purpose
            found = [dict(row) for row in connection.execute(select(tables[name])).mappings()]
            for row in rows:
                left = {k: v for k, v in _for(connection, row).items() if k in tables[name].columns}
                assert any(left.items() <= there.items() for there in found), (name, left, found)

    migrate._on(url, check)


def _fill(connection: Connection, samples: Samples) -> None:
    tables = reflected(connection)
    for name, rows in samples.items():
        for row in rows:
            connection.execute(insert(tables[name]).values(_for(connection, row)))
        if name == "ledger_transfer":
            _fill_transfer(connection)
    connection.commit()


def _fill_transfer(connection: Connection) -> None:
    connection.execute(
        text(
            "INSERT INTO ledger_transfer (id, transaction_id, leg, debit_account_id, credit_account_id, "
            "amount, currency) VALUES (1, 1, 1, 1, 2, 250, 'INR')"
        )
    )
    connection.execute(text("UPDATE ledger_account SET credits = 500, version = 1 WHERE id = 2"))


def _for(connection: Connection, row: dict[str, Any]) -> dict[str, Any]:
    """SQLite keeps times as text."""
    if connection.dialect.name != "sqlite":
        return row
    iso = {k: v.isoformat(timespec="microseconds") for k, v in row.items() if isinstance(v, datetime)}
    return {**row, **iso}


def test_the_migrated_schema_is_the_one_in_the_code(url: str) -> None:
    migrate.upgrade(url)

    def compare(connection: Connection) -> list[Any]:
        options = {
            "compare_type": True,
            # Alembic misreads SQLite's quoted defaults; the next test compares them word for word.
            "compare_server_default": connection.dialect.name == "postgresql",
            "include_object": lambda _o, name, kind, _r, _c: kind != "table" or name not in NOT_OURS,
        }
        return list(compare_metadata(MigrationContext.configure(connection, opts=options), metadata))

    assert migrate._on(url, compare) == []


def test_constraints_indexes_and_options_are_those_in_the_code(url: str, tmp_path: Path) -> None:
    """What alembic's comparison does not see: checks, partial indexes, fill factors, delete rules."""
    migrate.upgrade(url)
    migrated = migrate._on(url, catalogue)

    def build(connection: Connection) -> None:
        if connection.dialect.name == "postgresql":
            connection.execute(text("CREATE SCHEMA fresh"))
            connection.execute(text("SET search_path TO fresh"))
        metadata.create_all(connection)
        connection.commit()

    if urls.dialect_of(url) == urls.SQLITE:
        url = f"sqlite:///{tmp_path}/fresh.db"
    fresh = migrate._on(url, lambda connection: (build(connection), catalogue(connection))[1])
    assert migrated == fresh


CATALOGUE = (
    """
    SELECT conrelid::regclass::text || ' ' || conname || ' ' || pg_get_constraintdef(oid)
    FROM pg_constraint WHERE connamespace = current_schema()::regnamespace
    """,
    "SELECT tablename || ' ' || indexdef FROM pg_indexes WHERE schemaname = current_schema()",
    """
    SELECT relname || ' ' || reloptions::text FROM pg_class
    WHERE relkind IN ('r', 'p') AND relnamespace = current_schema()::regnamespace AND reloptions IS NOT NULL
    """,
)


def catalogue(connection: Connection) -> list[str]:
    if connection.dialect.name == "sqlite":
        lines = connection.execute(text("SELECT name, sql FROM sqlite_master WHERE type <> 'trigger'"))
        found = [
            f"{name}: {line.strip().rstrip(',')}"
            for name, sql in lines
            if sql and name not in NOT_OURS
            for line in sql.splitlines()
        ]
        return sorted(found)
    found = [line for statement in CATALOGUE for line in connection.execute(text(statement)).scalars()]
    return sorted(
        re.sub(r"\b(public|fresh)\.", "", line) for line in found if line.split()[0] not in NOT_OURS
    )


def test_several_starting_at_once_are_safe(url: str) -> None:
    errors: list[BaseException] = []

    def start() -> None:
        try:
            migrate.upgrade(url)
        except BaseException as error:  # noqa: BLE001 - judged below
            errors.append(error)

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert migrate.current(url) == migrate.head()


def test_a_failed_revision_leaves_nothing_behind(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from stationmaster.infra.db.migrations.first import wallet

    def fail() -> None:
        raise LookupError

    monkeypatch.setattr(wallet, "create", fail)
    with pytest.raises(LookupError):
        migrate.upgrade(url)
    assert migrate._on(url, lambda connection: inspect(connection).get_table_names()) == []
    monkeypatch.undo()
    migrate.upgrade(url)


def test_a_schema_from_the_future_is_refused(url: str) -> None:
    migrate.upgrade(url)

    def pretend(connection: Connection) -> None:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        connection.commit()

    migrate._on(url, pretend)
    with pytest.raises(Refused):
        migrate.pending(url)


@pytest.mark.anyio
async def test_it_may_be_called_inside_an_event_loop(url: str) -> None:
    migrate.upgrade(url)
    assert migrate.pending(url) == []


def test_nobody_there_is_unavailable() -> None:
    with pytest.raises(Unavailable):
        migrate.current("postgresql://nobody@127.0.0.1:1/none")


def test_looking_does_not_make_a_database(tmp_path: Path) -> None:
    assert migrate.current(f"sqlite:///{tmp_path}/none.db") is None
    assert migrate.pending(f"sqlite:///{tmp_path}/none.db")
    assert list(tmp_path.iterdir()) == []
