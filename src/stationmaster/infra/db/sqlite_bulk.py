"""How are many rows written to SQLite? By executemany on the driver: the loop is in C, the text is cached."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from operator import itemgetter
from typing import Any

from sqlalchemy import Table
from sqlalchemy.dialects.sqlite import pysqlite

Row = Mapping[str, Any]

_dialect = pysqlite.dialect()
_quote = _dialect.identifier_preparer.quote
CACHED_STATEMENTS = 1024


@dataclass(frozen=True, slots=True)
class Statement:
    """``columns`` in the order of the placeholders."""

    sql: str
    columns: tuple[str, ...]
    processors: tuple[Callable[[Any], Any] | None, ...]

    def values(self, rows: Sequence[Row]) -> Iterator[tuple[Any, ...]]:
        width = len(self.columns)
        if any(len(row) != width for row in rows):
            raise ValueError("rows of one bulk statement must have the same keys")
        columns = [_values(rows, *pair) for pair in zip(self.columns, self.processors, strict=True)]
        return zip(*columns, strict=True)


def _values(rows: Sequence[Row], name: str, process: Callable[[Any], Any] | None) -> Iterator[Any]:
    values = map(itemgetter(name), rows)
    return values if process is None else map(process, values)


def _statement(table: Table, columns: tuple[str, ...], sql: str) -> Statement:
    processors = tuple(table.c[name].type.dialect_impl(_dialect).bind_processor(_dialect) for name in columns)
    return Statement(sql, columns, processors)


def _names(names: Sequence[str]) -> str:
    return ", ".join(_quote(name) for name in names)


def _insert_sql(table: Table, columns: tuple[str, ...]) -> str:
    places = ", ".join("?" * len(columns))
    return f"INSERT INTO {_quote(table.name)} ({_names(columns)}) VALUES ({places})"  # noqa: S608 - metadata names


@lru_cache(CACHED_STATEMENTS)
def insert(table: Table, columns: tuple[str, ...], ignore_conflicts: bool) -> Statement:
    end = " ON CONFLICT DO NOTHING" if ignore_conflicts else ""
    return _statement(table, columns, _insert_sql(table, columns) + end)


@lru_cache(CACHED_STATEMENTS)
def update(table: Table, columns: tuple[str, ...], key: tuple[str, ...]) -> Statement:
    changed = tuple(name for name in columns if name not in key)
    sets = ", ".join(f"{_quote(name)} = ?" for name in changed)
    where = " AND ".join(f"{_quote(name)} = ?" for name in key)
    sql = f"UPDATE {_quote(table.name)} SET {sets} WHERE {where}"  # noqa: S608 - metadata names
    return _statement(table, changed + key, sql)


@lru_cache(CACHED_STATEMENTS)
def upsert(
    table: Table, columns: tuple[str, ...], key: tuple[str, ...], changed: tuple[str, ...]
) -> Statement:
    sets = ", ".join(f"{_quote(name)} = excluded.{_quote(name)}" for name in changed)
    action = f"DO UPDATE SET {sets}" if sets else "DO NOTHING"
    return _statement(table, columns, f"{_insert_sql(table, columns)} ON CONFLICT ({_names(key)}) {action}")
