"""What did PostgreSQL (or the way to it) mean by that error?"""

import asyncpg
from sqlalchemy import exc

from stationmaster.infra.db.errors import Conflict, Duplicate, Violation
from stationmaster.kernel.errors import StationmasterError, Unavailable

DRIVER_ERRORS = (
    exc.SQLAlchemyError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
    TimeoutError,
)

# https://www.postgresql.org/docs/current/errcodes-appendix.html
_CONFLICTS = {
    "40001": "serialization_failure",
    "40P01": "deadlock",
    "55P03": "lock_timeout",
    "0A000": "schema_changed",  # only as InvalidCachedStatementError: a migration ran
}
_AWAY_CODES = frozenset({"25006", "25P03", "57014", "57P01", "57P02", "57P03", "57P05"})
_AWAY_CLASSES = ("08", "53", "58")  # connection, resources, system
_UNIQUE = "23505"
_INTEGRITY_CLASS = "23"


def driver_error(error: BaseException) -> BaseException:
    """The asyncpg (or socket) error below SQLAlchemy's and its adapter's wrappers."""
    if isinstance(error, exc.DBAPIError) and error.orig is not None:
        error = error.orig
        return error.__cause__ or error
    return error


def is_away(error: BaseException) -> bool:
    """Is the connection gone, or was it never there?"""
    error = driver_error(error)
    if isinstance(error, asyncpg.PostgresError):
        code = error.sqlstate or ""
        return code in _AWAY_CODES or code.startswith(_AWAY_CLASSES)
    if isinstance(error, asyncpg.InternalClientError):
        return True  # The server said goodbye while nothing was asked; asyncpg is stuck between two states.
    if isinstance(error, asyncpg.InterfaceError):
        return "closed" in str(error)
    return isinstance(error, OSError | TimeoutError | exc.TimeoutError)


def translate(error: Exception) -> Exception:
    """Ours, or the error itself when it is a bug (a wrong statement, a value of a wrong type)."""
    if isinstance(error, StationmasterError):
        return error
    cause = driver_error(error)
    code = (getattr(cause, "sqlstate", "") or "") if isinstance(cause, asyncpg.PostgresError) else ""
    if code in _CONFLICTS and (code != "0A000" or isinstance(cause, asyncpg.InvalidCachedStatementError)):
        return Conflict("database_conflict", str(cause), why=_CONFLICTS[code])
    if is_away(error):
        return Unavailable("database_unavailable", f"The database did not answer: {cause}")
    if code == _UNIQUE:
        return Duplicate(_constraint(cause))
    if code.startswith(_INTEGRITY_CLASS):
        return Violation(_constraint(cause), str(cause))
    return error


def _constraint(error: BaseException) -> str:
    name = getattr(error, "constraint_name", None) or getattr(error, "column_name", None)
    return str(name or error)
