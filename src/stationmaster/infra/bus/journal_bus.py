"""The bus of one process: the journal's file is the queue, and redelivers after a crash."""

import asyncio
import functools
import sqlite3
from collections.abc import Callable
from typing import Any, Final

import structlog

from stationmaster.contracts.topology import Topology
from stationmaster.infra.bus import journal_errands as errands
from stationmaster.infra.bus import journal_rows as sql
from stationmaster.infra.bus.delivering import Batching
from stationmaster.infra.bus.journal_consumer import JournalSubscription
from stationmaster.infra.bus.journal_publisher import JournalPublisher
from stationmaster.infra.bus.journal_queue import JournalQueue
from stationmaster.infra.bus.journal_rows import Row
from stationmaster.infra.bus.journal_store import Journal, Unit
from stationmaster.infra.bus.ladder import EXPIRED, Again, Dead, Ladder
from stationmaster.infra.bus.packing import Pack
from stationmaster.infra.bus.port import (
    DeadLetter,
    Delivery,
    Handler,
    Message,
    PublishUnknown,
    QueueState,
)  # fmt: skip
from stationmaster.infra.runtime import Runtime
from stationmaster.kernel.errors import StationmasterError, Unavailable

log = structlog.get_logger()

CONFIRM_WITHIN_S: Final = 5.0
_TICK_S: Final = 0.5
_REFILL_ROWS: Final = 1000
_CLOCK_GRAIN_S: Final = 0.005
"""Timers may fire this much early."""


class JournalBus:
    """See the port. Documents that wait for the same commit are packed; one row per queue and pack."""

    def __init__(
        self,
        journal: Journal,
        topology: Topology,
        runtime: Runtime,
        *,
        confirm_within_s: float = CONFIRM_WITHIN_S,
    ) -> None:
        self._journal = journal
        self._runtime = runtime
        self._publisher = JournalPublisher(topology, runtime, confirm_within_s=confirm_within_s)
        self._queues: dict[str, JournalQueue] = {}
        self._subscriptions: list[JournalSubscription] = []
        self._acked: list[int] = []
        self._changed: list[tuple[int, float, str | None, int]] = []
        self._is_running = False
        self._is_failing = False
        self._use(topology)
        journal.join(self._contribute)

    def _use(self, topology: Topology) -> None:
        self._topology = topology
        self._ladder = Ladder(topology)
        self._publisher.use(topology)

    @property
    def ready(self) -> bool:
        return self._is_running and not self._is_failing

    async def start(self) -> None:
        if self._is_running:
            return
        self._journal.open(sql.SCHEMA)
        self._publisher.next_id = await self._journal.write(_drop_mailboxes)
        self._is_running = True
        for name, last in await self._journal.read("SELECT queue, max(id) FROM message GROUP BY queue"):
            queue = self._queue(name)
            queue.spill(0, last)
            await self._refill(queue)
        self._ticking = self._runtime.spawn(self._tick(), name="journal.tick")

    async def stop(self) -> None:
        """Batches in hand are finished, what was published is committed."""
        if not self._is_running:
            return
        for subscription in list(self._subscriptions):
            await subscription.cancel()
        self._is_running = False
        self._ticking.cancel()
        await self._journal.close()
        self._publisher.packer.fail_all()

    # Publishing.

    async def publish(self, message: Message) -> None:
        await self._add(message)

    def submit(self, message: Message) -> asyncio.Future[None]:
        try:
            return self._add(message)
        except StationmasterError as error:
            failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            failed.set_exception(error)
            return failed

    def _add(self, message: Message) -> asyncio.Future[None]:
        if not self._is_running:
            raise PublishUnknown("bus_closed", "the bus is not running")
        done = self._publisher.add(message)
        self._journal.wake()
        return done

    def _contribute(self) -> Unit | None:
        """This bus's part of the next commit: new messages, and what became of old ones."""
        packs, rows = self._publisher.take()
        if not (packs or self._acked or self._changed):
            return None
        acked, self._acked = self._acked, []
        changed, self._changed = self._changed, []
        born_dead = [(row.attempts, 0.0, row.dead_reason, row.id) for row in rows if row.dead_reason]
        work = functools.partial(
            _write, [row.parameters() for row in rows], [(id_,) for id_ in acked], changed + born_dead
        )

        def done(_result: Any, error: Exception | None) -> None:
            self._is_failing = error is not None
            if error is None:
                self._committed(packs, rows)
            else:
                self._failed(packs, error)
                self._acked.extend(acked)
                self._changed[:0] = changed

        return Unit(work, done)

    def _committed(self, packs: list[Pack], rows: list[Row]) -> None:
        now = self._now()
        for row in rows:
            if row.dead_reason is None:
                self._queue(row.queue).push(row, now=now)
        for pack in packs:
            pack.confirm()

    def _failed(self, packs: list[Pack], error: Exception) -> None:
        for pack in packs:
            pack.fail(lambda: PublishUnknown("publish_unknown", f"the journal failed: {error}"))

    # Consuming.

    async def consume(
        self,
        queue: str,
        handler: Handler,
        *,
        batch_max: int = 1,
        linger_s: float = 0.0,
        urgent: Callable[[Delivery], bool] | None = None,
        prefetch: int = 20,  # noqa: ARG002 - nothing is fetched ahead within one process
    ) -> JournalSubscription:
        if not self._publisher.has(queue):
            raise Unavailable("no_such_queue", f"there is no queue {queue!r}")
        source, batching = self._queue(queue), Batching(batch_max, linger_s, urgent)
        subscription = JournalSubscription(source, handler, batching, self._runtime, self._settle)
        self._subscriptions.append(subscription)
        subscription.ended = lambda: self._subscriptions.remove(subscription)
        subscription.start()
        return subscription

    def _settle(self, deliveries: list[Delivery]) -> None:
        """The verdicts are written with the next commit; a crash before it redelivers."""
        for delivery in deliveries:
            row: Row = delivery.tag  # type: ignore[assignment]
            queue = self._queue(row.queue)
            queue.finish([row])
            if delivery.verdict == "ack":
                self._acked.append(row.id)
            else:
                self._climb(queue, row, delivery)
            if queue.wants is not None:
                _ = self._runtime.spawn(self._refill(queue), name=f"journal.refill.{queue.name}")
        self._journal.wake()

    def _climb(self, queue: JournalQueue, row: Row, delivery: Delivery) -> None:
        match self._ladder.after(delivery):
            case Again(_, delay_s):
                row.attempts += 1
                row.available_at = self._now() + delay_s
                self._changed.append((row.attempts, row.available_at, None, row.id))
                queue.insert(row, now=self._now())
                _ = self._runtime.spawn(
                    self._release_after(queue, delay_s), name=f"journal.retry.{queue.name}"
                )
            case Dead(_):
                log.warning(
                    "delivery.dead", queue=row.queue, message_id=row.message_id, reason=delivery.reason
                )
                self._changed.append((row.attempts, 0.0, delivery.reason or "rejected", row.id))
            case _:
                log.warning("delivery.forgotten", queue=row.queue, reason=delivery.reason)
                self._acked.append(row.id)

    async def _release_after(self, queue: JournalQueue, delay_s: float) -> None:
        await self._runtime.sleep(delay_s)
        queue.release(self._now() + _CLOCK_GRAIN_S)

    async def _refill(self, queue: JournalQueue) -> None:
        if (first := queue.wants) is None or queue.is_refilling or not self._journal.is_open:
            return
        queue.is_refilling = True
        try:
            records = await self._journal.read(sql.WAITING, (queue.name, first, _REFILL_ROWS))
            rows = [sql.row_of(record) for record in records]
            queue.refill(rows, is_all=len(rows) < _REFILL_ROWS, now=self._now())
        finally:
            queue.is_refilling = False

    async def _tick(self) -> None:
        """The fallback of every timer; nothing in the normal run waits for it."""
        while self._is_running:
            await self._runtime.sleep(_TICK_S)
            now = self._now()
            self._publisher.packer.expire()
            self._is_failing = False  # the next commit tells whether the disk is well again
            if self._acked or self._changed:
                self._journal.wake()
            for queue in list(self._queues.values()):
                queue.release(now)
                self._set_aside_expired(queue, queue.expired(now))
                await self._refill(queue)

    def _set_aside_expired(self, queue: JournalQueue, rows: list[Row]) -> None:
        for row in rows:
            delivery = row.delivery()
            delivery.dead(EXPIRED)
            queue.finish([row])
            self._climb(queue, row, delivery)
        if rows:
            self._journal.wake()

    async def open_mailbox(self, queue: str) -> None:
        self._publisher.mailboxes.add(queue)

    # Topology and dead letters.

    async def apply(self, topology: Topology) -> None:
        self._use(topology)

    async def check(self, topology: Topology) -> list[str]:
        exchanges = {exchange.name for exchange in self._topology.exchanges}
        return [
            *(f"exchange {one.name} is missing" for one in topology.exchanges if one.name not in exchanges),
            *(
                f"queue {one.name} is missing"
                for one in topology.queues
                if one.name not in self._publisher.names
            ),
        ]

    async def state(self) -> list[QueueState]:
        names = sorted(self._publisher.names | self._publisher.mailboxes)
        return await errands.state(self._journal, names, self._queues, self._topology.retry_delays_s)

    async def dead_letters(self, queue: str, *, limit: int = 100) -> list[DeadLetter]:
        return await errands.dead_letters(self._journal, queue, limit=limit)

    async def replay_dead(self, queue: str, *, limit: int = 100) -> int:
        rows = await errands.renew(self._journal, queue, self._publisher.ids(limit))
        for row in rows:
            self._queue(queue).insert(row, now=self._now())
        return len(rows)

    async def discard_dead(self, queue: str, *, limit: int = 100) -> int:
        return await errands.discard(self._journal, queue, limit=limit)

    def _queue(self, name: str) -> JournalQueue:
        if name not in self._queues:
            self._queues[name] = JournalQueue(name)
        return self._queues[name]

    def _now(self) -> float:
        return self._runtime.clock.now().timestamp()


def _write(
    new: list[tuple[Any, ...]],
    acked: list[tuple[int]],
    changed: list[tuple[Any, ...]],
    connection: sqlite3.Connection,
) -> None:
    if new:
        connection.executemany(sql.INSERT, new)
    if acked:
        connection.executemany(sql.DELETE, acked)
    if changed:
        connection.executemany(sql.CHANGE, changed)


def _drop_mailboxes(connection: sqlite3.Connection) -> int:
    """They were this process's own, and it is a new one. Returns the first free id."""
    connection.execute("DELETE FROM message WHERE is_mailbox")
    return sql.first_free_id(connection)
