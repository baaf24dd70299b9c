"""Where does a process keep a few small things of its own on this machine's disk?

A file of records: (space, key) -> bytes, each with a time, durable when a write returns. Not a room's data
and not shared: a gateway's copy of the directory, its journal of commands, its leased numbers. One thread
does all the work in order, so the loop never waits for the disk; ``in_thread`` calls it directly instead
(deterministic runs).
"""

import asyncio
import sqlite3
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from stationmaster.kernel.errors import Unavailable

T = TypeVar("T")

_SCHEMA = """
CREATE TABLE IF NOT EXISTS record (
  space TEXT NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL, at REAL NOT NULL,
  PRIMARY KEY (space, key)
) WITHOUT ROWID
"""


_UPSERT = """
INSERT INTO record VALUES (?, ?, ?, ?)
ON CONFLICT DO UPDATE SET value = excluded.value, at = excluded.at
"""
_CLAIM = "INSERT INTO record VALUES (?, ?, x'', ?) ON CONFLICT DO NOTHING"


class RecordFile:
    """Raises Unavailable when the disk does not play along."""

    def __init__(self, path: Path, *, in_thread: bool = False):
        self._path, self._in_thread = path, in_thread
        self._file: sqlite3.Connection | None = None
        self._thread: ThreadPoolExecutor | None = None

    async def start(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        if not self._in_thread:
            self._thread = ThreadPoolExecutor(1, thread_name_prefix="records")
        await self._run(self._open)

    async def stop(self) -> None:
        if self._file is not None:
            await self._run(self._close)
        if self._thread is not None:
            self._thread.shutdown(wait=True)
            self._thread = None

    async def load(self, space: str) -> dict[str, bytes]:
        """All of a space."""
        return await self._run(
            lambda: dict(self._rows("SELECT key, value FROM record WHERE space = ?", space))
        )

    async def put(self, space: str, values: Mapping[str, bytes], *, at: float = 0.0) -> None:
        """Write or overwrite, all or none."""
        await self._write(_UPSERT, [(space, key, value, at) for key, value in values.items()])

    async def claim(self, space: str, keys: Iterable[str], *, at: float) -> set[str]:
        """Write those that are not there yet; returns them."""
        wanted = list(keys)
        return await self._run(lambda: self._claim(space, wanted, at))

    async def delete(self, space: str, keys: Iterable[str]) -> None:
        await self._write("DELETE FROM record WHERE space = ? AND key = ?", [(space, key) for key in keys])

    async def forget(self, space: str, *, before: float) -> None:
        """Delete what is older."""
        await self._write("DELETE FROM record WHERE space = ? AND at < ?", [(space, before)])

    async def _write(self, sql: str, rows: list[tuple[object, ...]]) -> None:
        await self._run(lambda: self._transact(lambda file: file.executemany(sql, rows)))

    async def _run(self, work: Callable[[], T]) -> T:
        try:
            if self._in_thread:
                return work()
            return await asyncio.get_running_loop().run_in_executor(self._thread, work)
        except sqlite3.Error as error:
            raise Unavailable("records_unavailable", f"{self._path.name}: {error}") from error

    # On the file's thread.

    def _open(self) -> None:
        self._file = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False)
        self._file.execute("PRAGMA journal_mode = WAL")
        self._file.execute("PRAGMA synchronous = FULL")
        self._file.execute(_SCHEMA)

    def _close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def _rows(self, sql: str, *arguments: object) -> list[tuple[str, bytes]]:
        return self._open_file().execute(sql, arguments).fetchall()

    def _claim(self, space: str, keys: list[str], at: float) -> set[str]:
        fresh: set[str] = set()

        def insert(file: sqlite3.Connection) -> None:
            for key in keys:
                done = file.execute(_CLAIM, (space, key, at))
                if done.rowcount:
                    fresh.add(key)

        self._transact(insert)
        return fresh

    def _transact(self, work: Callable[[sqlite3.Connection], object]) -> None:
        file = self._open_file()
        file.execute("BEGIN IMMEDIATE")
        try:
            work(file)
        except BaseException:
            file.execute("ROLLBACK")
            raise
        file.execute("COMMIT")

    def _open_file(self) -> sqlite3.Connection:
        if self._file is None:
            raise sqlite3.ProgrammingError("not started")
        return self._file
