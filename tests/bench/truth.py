"""Is everything that was answered committed? Asked of the database, beside the processes under test."""

import asyncio
import sqlite3
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import asyncpg

_STATE = """
SELECT (SELECT coalesce(sum(last_seq), 0) FROM link_mark WHERE epoch > {epoch}),
       (SELECT coalesce(sum(parked), 0) FROM link_mark WHERE epoch > {epoch}),
       (SELECT count(*) FROM outbox),
       (SELECT count(*) FROM charging_session),
       (SELECT count(*) FROM charging_session WHERE settled_at IS NOT NULL),
       (SELECT count(*) FROM charging_session WHERE payer_kind = 'organisation' AND cost_minor > 0),
       (SELECT coalesce(sum(count), 0) FROM heartbeat_minute)
"""
_LOGGED = "SELECT count(*) FROM charger_data WHERE epoch > {epoch}"
_EPOCH = "SELECT coalesce(max(epoch), 0) FROM link_mark"


@dataclass(frozen=True, slots=True)
class Committed:
    """``applied``: frames of links that were opened since; ``sessions`` and ``heartbeats``: since ever."""

    applied: int
    parked: int
    outbox: int
    sessions: int
    settled: int
    paid: int
    heartbeats: int


class Asking(Protocol):
    """A look into the database."""

    def one(self, query: str) -> tuple[int, ...]: ...

    def close(self) -> None: ...

    @property
    def pids(self) -> Collection[int]:
        """The server's processes that serve only this look."""
        ...


class Truth:
    """What is true now."""

    def __init__(self, asking: Asking):
        self._asking = asking

    @property
    def pids(self) -> Collection[int]:
        return self._asking.pids

    def newest_epoch(self) -> int:
        return self._asking.one(_EPOCH)[0]

    def committed(self, *, after_epoch: int) -> Committed:
        return Committed(*map(int, self._asking.one(_STATE.format(epoch=after_epoch))))

    def logged(self, *, after_epoch: int) -> int:
        """Rows of the log. Counted whole, so ask rarely."""
        return self._asking.one(_LOGGED.format(epoch=after_epoch))[0]

    def close(self) -> None:
        self._asking.close()


class AskPostgres:
    """On a loop of its own; its backend is not counted."""

    def __init__(self, url: str):
        self._loop = asyncio.new_event_loop()
        self._connection = self._loop.run_until_complete(asyncpg.connect(url))
        self.pids: Collection[int] = {self._connection.get_server_pid()}

    def one(self, query: str) -> tuple[int, ...]:
        row = self._loop.run_until_complete(self._connection.fetchrow(query))
        assert row is not None
        return tuple(row)

    def close(self) -> None:
        self._loop.run_until_complete(self._connection.close())
        self._loop.close()


class AskSqlite:
    """Reads the file beside its writer."""

    pids: Collection[int] = ()

    def __init__(self, path: Path):
        self._connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)

    def one(self, query: str) -> tuple[int, ...]:
        return tuple(self._connection.execute(query).fetchone())

    def close(self) -> None:
        self._connection.close()
