"""How are many rows written in one statement? One array per column through UNNEST: the text, and with it
the prepared statement, stays the same for any number of rows (performance 4)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from operator import itemgetter
from typing import Any

from sqlalchemy import Column, Table
from sqlalchemy.dialects.postgresql import asyncpg as asyncpg_dialect

Row = Mapping[str, Any]

_dialect = asyncpg_dialect.dialect()  # type: ignore[no-untyped-call]
_quote = _dialect.identifier_preparer.quote
CACHED_STATEMENTS = 1024


@dataclass(frozen=True, slots=True)
class Statement:
    """``columns`` in the order of the arrays; ``order`` names the columns that rows are sorted by first, so
    that two units of work take their row locks in one order."""

    sql: str
    columns: tuple[str, ...]
    processors: tuple[Callable[[Any], Any] | None, ...]
    order: tuple[str, ...] = ()

    def arrays(self, rows: Sequence[Row]) -> list[list[Any]]:
        width = len(self.columns)
        if any(len(row) != width for row in rows):
            raise ValueError("rows of one bulk statement must have the same keys")
        if self.order and len(rows) > 1:
            rows = sorted(rows, key=itemgetter(*self.order))
        return [_values(rows, *pair) for pair in zip(self.columns, self.processors, strict=True)]

    def records(self, rows: Sequence[Row]) -> list[tuple[Any, ...]]:
        """The same values row by row, for COPY."""
        return list(zip(*self.arrays(rows), strict=True))


def _values(rows: Sequence[Row], name: str, process: Callable[[Any], Any] | None) -> list[Any]:
    if process is None:
        return [row[name] for row in rows]
    return [process(row[name]) for row in rows]


def _array(column: Column[Any]) -> str:
    return f"{column.type.compile(dialect=_dialect)}[]"


def _names(names: Sequence[str], prefix: str = "") -> str:
    return ", ".join(prefix + _quote(name) for name in names)


def _source(table: Table, columns: Sequence[str]) -> str:
    arrays = ", ".join(f"${i}::{_array(table.c[name])}" for i, name in enumerate(columns, start=1))
    return f"unnest({arrays})"


def _statement(table: Table, columns: tuple[str, ...], sql: str, order: tuple[str, ...] = ()) -> Statement:
    processors = tuple(table.c[name].type.dialect_impl(_dialect).bind_processor(_dialect) for name in columns)
    return Statement(sql, columns, processors, order)


def _insert_sql(table: Table, columns: tuple[str, ...]) -> str:
    return f"INSERT INTO {_quote(table.name)} ({_names(columns)}) SELECT * FROM {_source(table, columns)}"  # noqa: S608


@lru_cache(CACHED_STATEMENTS)
def insert(table: Table, columns: tuple[str, ...], ignore_conflicts: bool) -> Statement:
    sql = _insert_sql(table, columns)
    if not ignore_conflicts:
        return _statement(table, columns, sql)
    key = tuple(column.name for column in table.primary_key)
    order = key if set(key) <= set(columns) else ()
    return _statement(table, columns, f"{sql} ON CONFLICT DO NOTHING", order)


@lru_cache(CACHED_STATEMENTS)
def update(table: Table, columns: tuple[str, ...], key: tuple[str, ...]) -> Statement:
    sets = ", ".join(f"{_quote(name)} = new.{_quote(name)}" for name in columns if name not in key)
    where = " AND ".join(f"old.{_quote(name)} = new.{_quote(name)}" for name in key)
    sql = (
        f"UPDATE {_quote(table.name)} AS old SET {sets} "  # noqa: S608 - names from the metadata only
        f"FROM {_source(table, columns)} AS new ({_names(columns)}) WHERE {where}"
    )
    return _statement(table, columns, sql)


@lru_cache(CACHED_STATEMENTS)
def upsert(
    table: Table, columns: tuple[str, ...], key: tuple[str, ...], changed: tuple[str, ...]
) -> Statement:
    sets = ", ".join(f"{_quote(name)} = excluded.{_quote(name)}" for name in changed)
    action = f"DO UPDATE SET {sets}" if sets else "DO NOTHING"
    sql = f"{_insert_sql(table, columns)} ON CONFLICT ({_names(key)}) {action}"
    return _statement(table, columns, sql, key)


@lru_cache(CACHED_STATEMENTS)
def copy(table: Table, columns: tuple[str, ...]) -> Statement:
    return _statement(table, columns, "")
