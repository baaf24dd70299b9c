"""The database port: units of work that commit at the edge, announce facts, and nothing else.

A flow gets a `UnitOfWork`, never a connection, and never commits. The edge (HTTP dependency, consumer runner, job
runner) opens one and commits it. Statements are SQLAlchemy Core; what the engines do differently has a name here:
`bulk_insert`, `bulk_update`, `lock`, `leader`.
"""

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Literal, Protocol

from sqlalchemy import Executable, Row, Table

from stationmaster.contracts.facts import Fact
from stationmaster.infra.bus.port import Message


class Rows(Protocol):
    """A buffered result (SQLAlchemy's CursorResult)."""

    rowcount: int

    def all(self) -> Sequence[Row[Any]]: ...
    def first(self) -> Row[Any] | None: ...
    def one(self) -> Row[Any]: ...
    def scalar(self) -> Any: ...
    def scalars(self) -> Any: ...
    def mappings(self) -> Any: ...
    def __iter__(self) -> Any: ...


class Reader(Protocol):
    """Read-only statements in one snapshot."""

    async def execute(self, statement: Executable, parameters: Mapping[str, Any] | None = None) -> Rows: ...


class UnitOfWork(Reader, Protocol):
    """One database transaction. Facts and messages said to it become true with its commit."""

    async def execute_many(self, statement: Executable, parameters: Sequence[Mapping[str, Any]]) -> None: ...

    async def bulk_insert(
        self, table: Table, rows: Sequence[Mapping[str, Any]], *, ignore_conflicts: bool = False
    ) -> None:
        """All rows in one statement (UNNEST on PostgreSQL). Every row has the same keys."""
        ...

    async def bulk_update(
        self, table: Table, rows: Sequence[Mapping[str, Any]], *, key: Sequence[str]
    ) -> None:
        """Set the non-key columns of the rows named by ``key``; every row has the same keys."""
        ...

    async def bulk_upsert(
        self, table: Table, rows: Sequence[Mapping[str, Any]], *, key: Sequence[str], update: Sequence[str]
    ) -> None:
        """Insert, or on conflict of ``key`` set ``update`` to the new values. Rows are unique by key."""
        ...

    async def copy(self, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
        """The fastest append (COPY on PostgreSQL); fails on any conflict."""
        ...

    def locked(self, statement: Any) -> Any:
        """The SELECT with a row lock (FOR NO KEY UPDATE); nothing on SQLite, whose writer is alone. Lock in one
        statement, load state in the next (performance 9)."""
        ...

    async def take_turns(self, names: Collection[str]) -> None:
        """Until the commit nobody else who names one of these goes on: for what has no row to lock yet. One
        statement; first in the unit of work, so that what is read next is what the one before has committed.
        Nothing on SQLite, whose writer is alone."""
        ...

    def announce(self, fact: Fact) -> None:
        """Durable: through the outbox to `events_exchange`."""
        ...

    def send(self, message: Message) -> None:
        """Durable: through the outbox to any exchange or queue."""
        ...

    def hint(self, fact: Fact) -> None:
        """Losable: published after the commit without the outbox (live meter values, log ticks)."""
        ...

    def after_commit(self, do: Callable[[], Awaitable[None]]) -> None:
        """Run after the commit, in order; its failure is logged and changes nothing."""
        ...

    @property
    def hints(self) -> Iterable[Fact]: ...


class Database(Protocol):
    """Chosen in compose: PostgreSQL or SQLite."""

    dialect: Literal["postgresql", "sqlite"]

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    def transaction(self) -> AbstractAsyncContextManager[UnitOfWork]:
        """Commits on a clean exit, rolls back on an exception. Raises Unavailable when the database is away and
        `Conflict` for deadlocks and serialisation failures (both may be retried as a whole)."""
        ...

    def reading(self) -> AbstractAsyncContextManager[Reader]: ...

    def leader(self, name: str) -> AbstractAsyncContextManager[bool]:
        """Try to be the one who does ``name`` while the context lasts; False: somebody else is."""
        ...

    async def ping(self) -> None:
        """Raises Unavailable."""
        ...

    def on_commit(self, wake: Callable[[], None]) -> None:
        """Call ``wake`` after a commit that left something in the outbox, in this process or (where the engine can
        tell) in any other: the relay's nudge."""
        ...

    def on_hints(self, publish: Callable[[Sequence[Fact]], Awaitable[None]]) -> None:
        """Who publishes the losable facts of a unit of work after its commit. Without it they stay unsaid."""
        ...
