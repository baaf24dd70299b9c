"""What a message looks like in the journal's file, and in memory while it waits."""

import sqlite3
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from stationmaster.infra.bus.packing import unpack
from stationmaster.infra.bus.port import DeadLetter, Delivery

SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS message (
  id INTEGER PRIMARY KEY, queue TEXT NOT NULL, routing_key TEXT NOT NULL, message_id TEXT NOT NULL,
  priority INTEGER NOT NULL, body BLOB NOT NULL, headers TEXT, attempts INTEGER NOT NULL,
  available_at REAL NOT NULL, expires_at REAL, is_mailbox INTEGER NOT NULL, dead_reason TEXT
);
CREATE INDEX IF NOT EXISTS message_waiting ON message (queue, id) WHERE dead_reason IS NULL;
CREATE INDEX IF NOT EXISTS message_dead ON message (queue, id) WHERE dead_reason IS NOT NULL;
"""
COLUMNS: Final = (
    "id, queue, routing_key, message_id, priority, body, headers, attempts, available_at, expires_at,"
    " is_mailbox"
)
# The pieces are constants of this file; no value is ever part of the text.
INSERT: Final = f"INSERT INTO message ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608
CHANGE: Final = "UPDATE message SET attempts = ?, available_at = ?, dead_reason = ? WHERE id = ?"
DELETE: Final = "DELETE FROM message WHERE id = ?"
WAITING: Final = (
    f"SELECT {COLUMNS} FROM message"  # noqa: S608
    " WHERE queue = ? AND dead_reason IS NULL AND id >= ? ORDER BY id LIMIT ?"
)
DEAD: Final = (
    f"SELECT {COLUMNS}, dead_reason FROM message"  # noqa: S608
    " WHERE queue = ? AND dead_reason IS NOT NULL ORDER BY id LIMIT ?"
)


@dataclass(slots=True, eq=False)
class Row:
    """One message in one queue. Times are seconds since 1970."""

    id: int
    queue: str
    routing_key: str
    message_id: str
    priority: int
    body: bytes
    items: list[bytes]
    headers: dict[str, str] = field(default_factory=dict)
    attempts: int = 1
    available_at: float = 0.0
    expires_at: float | None = None
    is_mailbox: bool = False
    is_redelivered: bool = False
    dead_reason: str | None = None  # published to the dead letters: never delivered

    def parameters(self) -> tuple[Any, ...]:
        headers = msgspec.json.encode(self.headers).decode() if self.headers else None
        return (
            self.id, self.queue, self.routing_key, self.message_id, self.priority, self.body, headers,
            self.attempts, self.available_at, self.expires_at, self.is_mailbox,
        )  # fmt: skip

    def delivery(self) -> Delivery:
        return Delivery(
            queue=self.queue, routing_key=self.routing_key, items=self.items, message_id=self.message_id,
            attempts=self.attempts, redelivered=self.is_redelivered, headers=self.headers, tag=self,
        )  # fmt: skip


def row_of(record: tuple[Any, ...]) -> Row:
    """Of a record in the order of COLUMNS, read after a restart or a spill."""
    headers = msgspec.json.decode(record[6], type=dict[str, str]) if record[6] else {}
    return Row(
        id=record[0], queue=record[1], routing_key=record[2], message_id=record[3], priority=record[4],
        body=record[5], items=unpack(record[5]), headers=headers, attempts=record[7], available_at=record[8],
        expires_at=record[9], is_mailbox=bool(record[10]), is_redelivered=True,
    )  # fmt: skip


def dead_letter_of(record: tuple[Any, ...]) -> DeadLetter:
    """Of a record in the order of COLUMNS, dead_reason."""
    row = row_of(record[:-1])
    return DeadLetter(
        key=str(row.id), queue=row.queue, routing_key=row.routing_key, items=row.items, reason=record[-1],
        attempts=row.attempts,
    )  # fmt: skip


def first_free_id(connection: sqlite3.Connection) -> int:
    return int(connection.execute("SELECT coalesce(max(id), 0) + 1 FROM message").fetchone()[0])
