"""What waits in one queue, in memory, and who waits for it?

Memory is bounded: beyond it messages stay in the file only (``spill``) and are read back when there is room.
"""

import asyncio
import heapq
from collections import deque
from collections.abc import Iterable
from typing import Final

from stationmaster.infra.bus.journal_rows import Row

MEMORY_BYTES: Final = 32 * 1024 * 1024
PRIORITIES: Final = 10


class JournalQueue:
    """Rows by priority, then in the order of publishing; delayed ones apart until their time."""

    def __init__(self, name: str, *, memory_bytes: int = MEMORY_BYTES) -> None:
        self.name = name
        self.consumers = 0
        self.in_hand = 0
        self.is_refilling = False
        self._memory_bytes = memory_bytes
        self._bytes = 0
        self._ready: list[deque[Row]] = [deque() for _ in range(PRIORITIES)]
        self._delayed: list[tuple[float, int, Row]] = []
        self._expiring = 0
        self._waiters: list[asyncio.Future[None]] = []
        self._spilled_from = 0  # every row of the file from this id on that is not in memory ...
        self._spilled_to = -1  # ... up to this one

    @property
    def delayed(self) -> list[Row]:
        return [row for _at, _id, row in self._delayed]

    def push(self, row: Row, *, now: float) -> None:
        """A row that is on disk. Spilled when there is no room, or when others were spilled before it."""
        if self.is_spilled or self._bytes >= self._memory_bytes:
            self.spill(row.id, row.id)
        else:
            self.insert(row, now=now)

    def insert(self, row: Row, *, now: float) -> None:
        self._bytes += len(row.body)
        if row.available_at > now:
            heapq.heappush(self._delayed, (row.available_at, row.id, row))
            return
        self._expiring += row.expires_at is not None
        self._ready[_level(row)].append(row)
        self.wake()

    def spill(self, first: int, last: int) -> None:
        if not self.is_spilled:
            self._spilled_from = first
        self._spilled_to = last

    @property
    def is_spilled(self) -> bool:
        return self._spilled_to >= self._spilled_from

    @property
    def wants(self) -> int | None:
        """The id to read on from, when there is room for spilled rows."""
        return self._spilled_from if self.is_spilled and self._bytes < self._memory_bytes // 2 else None

    def refill(self, rows: list[Row], *, is_all: bool, now: float) -> None:
        """What the file had from ``wants`` on; ``is_all``: up to its end."""
        for row in rows:
            self.insert(row, now=now)
        self._spilled_from = self._spilled_to + 1 if is_all else rows[-1].id + 1
        self.wake()

    def take(self, documents_max: int, *, alone: bool) -> list[Row]:
        """Highest priority first. ``alone``: a row that failed before comes by itself; else it is not
        taken."""
        taken: list[Row] = []
        room = documents_max
        for level in reversed(self._ready):
            while level and (not taken or len(level[0].items) <= room):
                row = level[0]
                joins = row.attempts == 1
                if not joins and (taken or not alone):
                    return self._took(taken)
                taken.append(level.popleft())
                room -= len(row.items)
                if not joins or room <= 0:
                    return self._took(taken)
            if level:
                break
        return self._took(taken)

    def _took(self, rows: list[Row]) -> list[Row]:
        self.in_hand += len(rows)
        for row in rows:
            self._expiring -= row.expires_at is not None
        return rows

    def finish(self, rows: Iterable[Row]) -> None:
        """They were settled: the memory is free again."""
        for row in rows:
            self.in_hand -= 1
            self._bytes -= len(row.body)

    def give_back(self, rows: list[Row]) -> None:
        """To the front, in their order."""
        for row in reversed(rows):
            self.in_hand -= 1
            row.is_redelivered = True
            self._expiring += row.expires_at is not None
            self._ready[_level(row)].appendleft(row)
        self.wake()

    def release(self, now: float) -> None:
        """Delayed rows whose time has come."""
        while self._delayed and self._delayed[0][0] <= now:
            row = heapq.heappop(self._delayed)[2]
            self._bytes -= len(row.body)
            self.insert(row, now=now)

    def expired(self, now: float) -> list[Row]:
        """Those that were not taken in time; they count as in hand until they are settled."""
        if not self._expiring:
            return []
        late: list[Row] = []
        for level in self._ready:
            late.extend(row for row in level if _is_late(row, now))
        for row in late:
            self._ready[_level(row)].remove(row)
        return self._took(late)

    @property
    def has_ready(self) -> bool:
        return any(self._ready)

    async def arrival(self) -> None:
        if self.has_ready:
            return
        waiter = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        await waiter

    def wake(self) -> None:
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)


def _level(row: Row) -> int:
    return min(max(row.priority, 0), PRIORITIES - 1)


def _is_late(row: Row, now: float) -> bool:
    return row.expires_at is not None and row.expires_at <= now
