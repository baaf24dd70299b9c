"""What did SQLite mean by that error?"""

import sqlite3
from functools import lru_cache

from sqlalchemy import Index, PrimaryKeyConstraint, UniqueConstraint, exc

from stationmaster.infra.db.errors import Conflict, Duplicate, Violation
from stationmaster.infra.db.metadata import metadata
from stationmaster.kernel.errors import Unavailable

DRIVER_ERRORS = (exc.SQLAlchemyError, sqlite3.Error)

_BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
_AWAY = (
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_NOTADB,
)
_UNIQUE = ("SQLITE_CONSTRAINT_UNIQUE", "SQLITE_CONSTRAINT_PRIMARYKEY", "SQLITE_CONSTRAINT_ROWID")


def translate(error: Exception) -> Exception:
    """Ours, or the error itself when it is a bug."""
    cause = error.orig if isinstance(error, exc.DBAPIError) and error.orig is not None else error
    if not isinstance(cause, sqlite3.Error):
        return error
    primary = getattr(cause, "sqlite_errorcode", 0) & 0xFF  # the low byte; the rest is detail
    if primary in _BUSY:
        return Conflict("database_conflict", str(cause), why="busy")
    if primary in _AWAY:
        return Unavailable("database_unavailable", f"The database cannot be used: {cause}")
    if not isinstance(cause, sqlite3.IntegrityError):
        return error
    # "UNIQUE constraint failed: table.a, table.b", "CHECK constraint failed: name", or a trigger's own words.
    subject = str(cause).rpartition(": ")[2]
    if getattr(cause, "sqlite_errorname", "") in _UNIQUE:
        return Duplicate(_unique_name(subject))
    return Violation(subject, str(cause))


@lru_cache(256)
def _unique_name(subject: str) -> str:
    """The constraint's name, as PostgreSQL would have said it, from the columns that SQLite says."""
    columns = [part.strip().rpartition(".") for part in subject.split(",")]
    table = metadata.tables.get(columns[0][0])
    if table is None:
        return subject
    names = [column for _, _, column in columns]
    keys: list[UniqueConstraint | PrimaryKeyConstraint | Index] = [table.primary_key]
    keys += [constraint for constraint in table.constraints if isinstance(constraint, UniqueConstraint)]
    keys += [index for index in table.indexes if index.unique]
    return next((str(key.name) for key in keys if [c.name for c in key.columns] == names), subject)
