"""A table cut into days: make the days to come, drop the days gone by.

On SQLite there are no partitions: making is nothing, dropping deletes rows in portions.
"""

from datetime import UTC, date, datetime, timedelta

from sqlalchemy import Table, bindparam, text

from stationmaster.infra.db.database import Database, UnitOfWork
from stationmaster.infra.db.metadata import UtcTime

DELETE_PORTION = 5_000


async def ensure_partitions(database: Database, table: Table, *, days_ahead: int, now: datetime) -> list[str]:
    """Partitions from today to ``days_ahead`` days on; the names of those that were made. Rows that had
    come before their day's partition move from the default partition into it."""
    if database.dialect == "sqlite":
        return []
    today = now.astimezone(UTC).date()
    made = []
    for day in (today + timedelta(days=n) for n in range(days_ahead + 1)):
        async with (
            database.transaction() as uow
        ):  # one at a time: the locks are short, and one may fail alone
            if await _make(uow, table, day):
                made.append(_name(table, day))
    return made


async def drop_partitions_before(database: Database, table: Table, *, before: datetime) -> int:
    """Forget whole days before the day of ``before``: how many partitions (SQLite: rows) went."""
    day = before.astimezone(UTC).date()
    if database.dialect == "sqlite":
        return await _delete_before(database, table, day)
    async with database.transaction() as uow:
        existing = await _existing(uow, table)
        old = sorted(name for name in existing if name < _name(table, day) and name != _default(table))
    for name in old:
        async with database.transaction() as uow:
            await uow.execute(text(f"DROP TABLE {name}"))
    async with database.transaction() as uow:
        column = _column(table)
        late = text(f"DELETE FROM {_default(table)} WHERE {column} < :day")  # noqa: S608 - names from the metadata
        await uow.execute(late.bindparams(bindparam("day", _midnight(day), UtcTime())))
    return len(old)


async def _make(uow: UnitOfWork, table: Table, day: date) -> bool:
    """Made beside the table and then attached: that blocks neither readers nor writers of other days."""
    name, column = _name(table, day), _column(table)
    if name in await _existing(uow, table):
        return False
    first, end = (f"'{_midnight(d).isoformat()}'" for d in (day, day + timedelta(days=1)))
    within = f"{column} >= {first} AND {column} < {end}"
    await uow.execute(text(f"CREATE TABLE {name} (LIKE {table.name} INCLUDING DEFAULTS, CHECK ({within}))"))
    moved = (
        f"WITH moved AS (DELETE FROM {_default(table)} WHERE {within} RETURNING *) "  # noqa: S608 - see above
        f"INSERT INTO {name} SELECT * FROM moved"
    )
    await uow.execute(text(moved))
    await uow.execute(
        text(f"ALTER TABLE {table.name} ATTACH PARTITION {name} FOR VALUES FROM ({first}) TO ({end})")
    )
    return True


async def _existing(uow: UnitOfWork, table: Table) -> set[str]:
    rows = await uow.execute(
        text("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = CAST(:name AS regclass)"),
        {"name": table.name},
    )
    return set(rows.scalars())


async def _delete_before(database: Database, table: Table, day: date) -> int:
    column = _column(table)
    portion = text(
        f"DELETE FROM {table.name} WHERE rowid IN "  # noqa: S608 - names from the metadata
        f"(SELECT rowid FROM {table.name} WHERE {column} < :day LIMIT {DELETE_PORTION})"
    ).bindparams(bindparam("day", _midnight(day), UtcTime()))
    deleted = 0
    while True:
        async with database.transaction() as uow:
            rows = await uow.execute(portion)
            deleted += rows.rowcount
        if rows.rowcount < DELETE_PORTION:
            return deleted


def _column(table: Table) -> str:
    """The partition column is the key's first."""
    return f'"{next(iter(table.primary_key)).name}"'


def _name(table: Table, day: date) -> str:
    return f"{table.name}_p{day:%Y%m%d}"


def _default(table: Table) -> str:
    return f"{table.name}_default"


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
