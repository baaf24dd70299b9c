"""What people do with the journal: count, look at dead letters, replay or discard them."""

import sqlite3
from collections.abc import Mapping, Sequence

from stationmaster.contracts.topology import dead_queue, retry_queue
from stationmaster.infra.bus import journal_rows as sql
from stationmaster.infra.bus.journal_queue import JournalQueue
from stationmaster.infra.bus.journal_rows import Row
from stationmaster.infra.bus.journal_store import Journal
from stationmaster.infra.bus.port import DeadLetter, QueueState

_COUNT = "SELECT queue, dead_reason IS NOT NULL, count(*) FROM message GROUP BY 1, 2"


async def state(
    journal: Journal,
    names: Sequence[str],
    queues: Mapping[str, JournalQueue],
    retry_delays_s: Sequence[float],
) -> list[QueueState]:
    """In the broker's terms: rungs and dead letters have queue names of their own."""
    counts = {(name, bool(dead)): number for name, dead, number in await journal.read(_COUNT)}
    found = {name: QueueState(name, ready=0) for name in names}
    for name in names:
        if dead := counts.get((name, True)):
            found[dead_queue(name)] = QueueState(dead_queue(name), ready=dead)
    for name, queue in queues.items():
        waiting = counts.get((name, False), 0) - queue.in_hand - len(queue.delayed)
        found[name] = QueueState(name, waiting, queue.in_hand, queue.consumers)
        for row in queue.delayed:
            rung = _rung_of(row, retry_delays_s)
            found[rung] = QueueState(rung, ready=found.get(rung, QueueState(rung, 0)).ready + 1)
    return list(found.values())


def _rung_of(row: Row, retry_delays_s: Sequence[float]) -> str:
    return retry_queue(row.queue, retry_delays_s[min(row.attempts - 2, len(retry_delays_s) - 1)])


async def dead_letters(journal: Journal, queue: str, *, limit: int) -> list[DeadLetter]:
    return [sql.dead_letter_of(record) for record in await journal.read(sql.DEAD, (queue, limit))]


async def renew(journal: Journal, queue: str, ids: range) -> list[Row]:
    """Dead letters as new messages, with these ids: to readers of the file they were never there before."""

    def work(connection: sqlite3.Connection) -> list[Row]:
        records = connection.execute(sql.DEAD, (queue, len(ids))).fetchall()
        rows = [sql.row_of(record[:-1]) for record in records]
        connection.executemany(sql.DELETE, [(row.id,) for row in rows])
        for row, id_ in zip(rows, ids, strict=False):
            row.id, row.attempts, row.available_at, row.expires_at = id_, 1, 0.0, None
            row.is_redelivered = False
        connection.executemany(sql.INSERT, [row.parameters() for row in rows])
        return rows

    return await journal.write(work)


async def discard(journal: Journal, queue: str, *, limit: int) -> int:
    def work(connection: sqlite3.Connection) -> int:
        records = connection.execute(sql.DEAD, (queue, limit)).fetchall()
        connection.executemany(sql.DELETE, [(record[0],) for record in records])
        return len(records)

    return await journal.write(work)
