"""Where does the gateway keep frames that the bus did not confirm? In a file of this machine, oldest
first."""

import sqlite3
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from stationmaster.infra.bus.journal_store import Journal
from stationmaster.infra.bus.port import Message
from stationmaster.kernel.errors import Unavailable

MAX_BYTES: Final = 256 * 1024 * 1024

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS spool (
  key INTEGER PRIMARY KEY AUTOINCREMENT,
  station_id TEXT NOT NULL, exchange TEXT NOT NULL, routing_key TEXT NOT NULL, body BLOB NOT NULL,
  message_id TEXT NOT NULL, priority INTEGER NOT NULL, grp TEXT, headers TEXT
);
"""
_INSERT: Final = (
    "INSERT INTO spool (station_id, exchange, routing_key, body, message_id, priority, grp, headers)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
)
_COLUMNS: Final = "key, station_id, exchange, routing_key, body, message_id, priority, grp, headers"
_OLDEST: Final = f"SELECT {_COLUMNS} FROM spool ORDER BY key LIMIT ?"  # noqa: S608 - of constants

Row = tuple[Any, ...]


class SpoolFull(Unavailable):
    """The station must keep its own copy."""


class JournalSpool:
    """The gateway's port ``Spool``. Everything is still there after a crash; order is the order of
    appending."""

    def __init__(self, path: Path | str, *, max_bytes: int = MAX_BYTES, in_thread: bool = False) -> None:
        self._journal = Journal(path, in_thread=in_thread)
        self._max_bytes = max_bytes
        self._stations: Counter[str] = Counter()
        self._bytes = 0

    async def start(self) -> None:
        if self._journal.is_open:
            return
        self._journal.open(_SCHEMA)
        rows = await self._journal.read(
            "SELECT station_id, count(*), sum(length(body)) FROM spool GROUP BY 1"
        )
        self._stations = Counter({station: count for station, count, _size in rows})
        self._bytes = sum(size for _station, _count, size in rows)

    async def stop(self) -> None:
        await self._journal.close()

    @property
    def depth(self) -> int:
        return self._stations.total()

    @property
    def bytes(self) -> int:
        return self._bytes

    @property
    def is_full(self) -> bool:
        return self._bytes >= self._max_bytes

    async def stations(self) -> dict[str, int]:
        return dict(self._stations)

    async def append(self, messages: Sequence[tuple[str, Message]]) -> None:
        """All of them or none."""
        size = sum(len(message.body) for _station, message in messages)
        if self._bytes + size > self._max_bytes:
            raise SpoolFull("spool_full", f"{self.depth} frames, {self._bytes} bytes wait for the bus")
        self._count(messages, +1)  # before the wait, so that no two appends share the last free bytes
        rows = [_row(station, message) for station, message in messages]
        try:
            await self._journal.write(lambda connection: connection.executemany(_INSERT, rows))
        except Unavailable:
            self._count(messages, -1)
            raise

    def _count(self, messages: Sequence[tuple[str, Message]], sign: int) -> None:
        for station, message in messages:
            self._add(station, sign, sign * len(message.body))

    def _add(self, station: str, count: int, size: int) -> None:
        self._bytes += size
        self._stations[station] += count
        if not self._stations[station]:
            del self._stations[station]

    async def oldest(self, limit: int) -> list[tuple[int, str, Message]]:
        rows = await self._journal.read(_OLDEST, (limit,))
        return [(row[0], row[1], _message(row)) for row in rows]

    async def remove(self, keys: Sequence[int]) -> None:
        def delete(connection: sqlite3.Connection) -> list[tuple[str, int]]:
            gone: list[tuple[str, int]] = []
            for key in keys:
                found = connection.execute(
                    "DELETE FROM spool WHERE key = ? RETURNING station_id, length(body)", (key,)
                )
                gone.extend(found.fetchall())
            return gone

        for station, size in await self._journal.write(delete):
            self._add(station, -1, -size)


def _row(station: str, message: Message) -> Row:
    headers = msgspec.json.encode(message.headers).decode() if message.headers else None
    # No expiry: what was spooled is late by definition, and late is better than never for a frame.
    return (
        station, message.exchange, message.routing_key, message.body,
        message.message_id, message.priority, message.group, headers,
    )  # fmt: skip


def _message(row: Row) -> Message:
    headers = msgspec.json.decode(row[8], type=dict[str, str]) if row[8] else {}
    return Message(
        exchange=row[2], routing_key=row[3], body=row[4], message_id=row[5], priority=row[6], group=row[7],
        headers=headers,
    )  # fmt: skip
