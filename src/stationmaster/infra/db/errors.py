"""What can go wrong in a database, in words both engines share.

    Unavailable       away, full, or too slow: try again later
    └── Conflict      deadlock, lost serialisation, lock time-out: run the same unit of work again
    Violation         a constraint or trigger said no; `constraint` is its name
    └── Duplicate     the value exists already (409 when nobody catches it)

A violation is not a `Refused`: in a consumer it must not be acknowledged away. A flow that expects one
catches it and says what it means.
"""

from typing import ClassVar

from stationmaster.kernel.errors import StationmasterError, Unavailable


class Conflict(Unavailable):
    """Other work was in the way. Nothing was changed; run the whole unit of work again."""


class Violation(StationmasterError):
    """A rule of the schema was broken: a bug, unless the flow knows better."""

    status: ClassVar[int] = 500

    def __init__(self, constraint: str, message: str = ""):
        super().__init__("constraint_violated", message or f"The database refused the change: {constraint}.")
        self.constraint = constraint


class Duplicate(Violation):
    """There is one already."""

    status: ClassVar[int] = 409

    def __init__(self, constraint: str, message: str = ""):
        super().__init__(constraint, message or f"There is one already ({constraint}).")
        self.code = "duplicate"


class UnitFailed(RuntimeError):
    """A statement of this unit of work failed, the failure was swallowed, and the work went on. Both
    engines refuse: PostgreSQL could only roll back, and SQLite must not behave otherwise."""
