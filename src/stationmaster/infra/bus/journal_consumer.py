"""One consumer of a journal queue: takes a batch, has it handled, settles it, takes the next."""

import asyncio
from collections.abc import Callable
from typing import Final

from stationmaster.infra.bus.delivering import HOLD_S, Batching, gather, handle
from stationmaster.infra.bus.journal_queue import JournalQueue
from stationmaster.infra.bus.journal_rows import Row
from stationmaster.infra.bus.ladder import EXPIRED
from stationmaster.infra.bus.port import Delivery, Handler
from stationmaster.infra.runtime import Runtime

_PAUSE_S: Final = 1.0


class JournalSubscription:
    """The port's Subscription, and the Source of its own batches."""

    def __init__(
        self,
        queue: JournalQueue,
        handler: Handler,
        batching: Batching,
        runtime: Runtime,
        settle: Callable[[list[Delivery]], None],
    ) -> None:
        self._queue, self._handler, self._batching, self._runtime = queue, handler, batching, runtime
        self._settle = settle
        self._is_ending = False
        self._task: asyncio.Task[None] | None = None
        self.ended: Callable[[], None] = lambda: None

    def start(self) -> None:
        self._queue.consumers += 1
        self._task = self._runtime.spawn(self._run(), name=f"consume.{self._queue.name}")

    async def cancel(self) -> None:
        if self._task is None:
            return
        self._is_ending = True
        self._queue.wake()
        task, self._task = self._task, None
        await asyncio.wait([task])
        self._queue.consumers -= 1
        self.ended()

    async def _run(self) -> None:
        def is_over() -> bool:
            return self._is_ending

        while not is_over():
            batch = await gather(self, self._batching, self._runtime)
            if is_over():
                self._queue.give_back([_row(delivery) for delivery in batch])
                return
            await self._runtime.sleep(0)  # others get their turn, whatever the handler does
            good = [delivery for delivery in batch if delivery.verdict == "ack"]
            if good and not await handle(self._handler, good, self._runtime, hold_s=HOLD_S, ending=is_over):
                self._queue.give_back([_row(delivery) for delivery in batch])
                await self._pause()
            else:
                self._settle(batch)

    async def _pause(self) -> None:
        """Others may have the messages meanwhile."""
        if not self._is_ending:
            await self._runtime.sleep(_PAUSE_S)

    def take(self, documents_max: int, *, alone: bool) -> list[Delivery]:
        """What came too late has its verdict already."""
        now = self._runtime.clock.now().timestamp()
        deliveries = [row.delivery() for row in self._queue.take(documents_max, alone=alone)]
        for delivery in deliveries:
            expires_at = _row(delivery).expires_at
            if expires_at is not None and expires_at <= now:
                delivery.dead(EXPIRED)
        return deliveries

    async def arrival(self) -> None:
        if not self._is_ending:
            await self._queue.arrival()


def _row(delivery: Delivery) -> Row:
    assert isinstance(delivery.tag, Row)
    return delivery.tag
