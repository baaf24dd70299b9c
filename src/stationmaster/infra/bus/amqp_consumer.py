"""One consumer of a broker's queue: takes a batch, has it handled, settles it, takes the next.

Deliveries are handled in the order in which they came, so settling a batch is one multiple acknowledgement.
What failed is published again (confirmed) before it is acknowledged; nothing is ever put back by nack.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final

import aiormq
import structlog
from aiormq.abc import DeliveredMessage

from stationmaster.infra.bus.amqp_link import TROUBLE, ConsumeChannel, Link
from stationmaster.infra.bus.amqp_publisher import Publisher
from stationmaster.infra.bus.amqp_wire import ack_frame, delivery_of, expires_at
from stationmaster.infra.bus.delivering import HOLD_MAX_S, HOLD_S, Batching, gather, handle
from stationmaster.infra.bus.ladder import Again, Dead, Ladder
from stationmaster.infra.bus.packing import Pack, Waiting
from stationmaster.infra.bus.port import Delivery, Handler, Message
from stationmaster.infra.runtime import Runtime
from stationmaster.kernel.errors import Unavailable

log = structlog.get_logger()

_PAUSE_S: Final = 1.0
_PAUSE_MAX_S: Final = 10.0


class AmqpSubscription:
    """The port's Subscription, and the Source of its own batches. Opens its channel again whenever it is
    lost."""

    def __init__(
        self,
        queue: str,
        handler: Handler,
        batching: Batching,
        runtime: Runtime,
        *,
        link: Link,
        publisher: Publisher,
        ladder: Ladder,
        prefetch: int,
    ) -> None:
        self._queue, self._handler, self._batching, self._runtime = queue, handler, batching, runtime
        self._link, self._publisher, self._ladder, self._prefetch = link, publisher, ladder, prefetch
        self._inbox: deque[Delivery] = deque()
        self._arrived = asyncio.Event()
        self._channel: ConsumeChannel | None = None
        self._hold_s = HOLD_S
        self._is_ending = False
        self._is_working = False
        self._task: asyncio.Task[None] | None = None
        self.ended: Callable[[], None] = lambda: None

    def start(self) -> None:
        self._task = self._runtime.spawn(self._run(), name=f"consume.{self._queue}")

    async def cancel(self) -> None:
        if self._task is None:
            return
        self._is_ending = True
        self._arrived.set()
        task, self._task = self._task, None
        if not self._is_working:
            task.cancel()  # nothing is in hand: it waits for the broker
        await asyncio.wait([task])
        self.ended()

    async def _run(self) -> None:
        pause_s = _PAUSE_S
        while not self._is_ending:
            try:
                channel = await self._open(await self._link.connection())
            except TROUBLE as error:
                log.warning("consumer.refused", queue=self._queue, reason=f"{type(error).__name__}: {error}")
                await self._runtime.sleep(pause_s)
                pause_s = min(pause_s * 2, _PAUSE_MAX_S)
                continue
            pause_s = _PAUSE_S
            self._is_working = True
            try:
                is_exhausted = await self._work(channel)
            finally:
                self._is_working = False
                self._lost(channel)
                await _close(channel)  # what was not acknowledged returns to the queue
            if is_exhausted:
                await self._runtime.sleep(_PAUSE_S)

    async def _open(self, connection: aiormq.Connection) -> ConsumeChannel:
        number = max([0, *connection.channels]) + 1
        channel = ConsumeChannel(connection, number, publisher_confirms=False)
        connection.channels[number] = channel
        channel.delivered = lambda message: self._delivered(channel, message)
        channel.on_consumer_cancel_callbacks.add(lambda _frame: self._lost(channel))
        await channel.open()
        channel.closing.add_done_callback(lambda _future: self._lost(channel))
        self._channel = channel
        await channel.basic_qos(prefetch_count=self._prefetch)
        await channel.basic_consume(self._queue, _unused)
        return channel

    async def _work(self, channel: ConsumeChannel) -> bool:
        """Batches, until the channel is gone, or (True) the patience with a dependency that is away."""

        def is_over() -> bool:
            return self._is_over(channel)

        while not is_over():
            batch = await gather(self, self._batching, self._runtime)
            if is_over() or not batch:
                continue
            await self._runtime.sleep(0)  # others get their turn, whatever the handler does
            good = [delivery for delivery in batch if delivery.verdict == "ack"]
            if good and not await handle(
                self._handler, good, self._runtime, hold_s=self._hold_s, ending=is_over
            ):
                self._hold_s = min(self._hold_s * 2, HOLD_MAX_S)
                return not is_over()
            self._hold_s = HOLD_S
            if await self._set_aside(batch, channel) and self._channel is channel:
                channel.write(ack_frame(_message(batch[-1]).delivery_tag or 0, channel=channel.number))
        return False

    def _is_over(self, channel: ConsumeChannel) -> bool:
        return self._is_ending or self._channel is not channel

    async def _set_aside(self, batch: list[Delivery], channel: ConsumeChannel) -> bool:
        """Every delivery that is not done waits on a rung or among the dead letters. False: the channel
        went."""
        failed = [delivery for delivery in batch if delivery.verdict != "ack"]
        pause_s = _PAUSE_S
        while failed and not self._is_over(channel):
            packs = [pack for delivery in failed if (pack := self._next_stop(delivery)) is not None]
            for pack in packs:
                self._publisher.send_again(pack)
            try:
                async with asyncio.timeout(_PAUSE_MAX_S):
                    await asyncio.gather(*(pack.waiting[0].done for pack in packs))
            except (Unavailable, TimeoutError) as error:
                log.warning("delivery.stuck", queue=self._queue, reason=str(error))
                await self._runtime.sleep(pause_s)
                pause_s = min(pause_s * 2, _PAUSE_MAX_S)
            else:
                return True
        return not failed

    def _next_stop(self, delivery: Delivery) -> Pack | None:
        match self._ladder.after(delivery):
            case Again(queue, _):
                return self._pack(delivery, queue, attempts=delivery.attempts + 1)
            case Dead(queue):
                log.warning(
                    "delivery.dead", queue=self._queue, id=delivery.message_id, reason=delivery.reason
                )
                return self._pack(delivery, queue, attempts=delivery.attempts)
            case _:
                log.warning("delivery.forgotten", queue=self._queue, reason=delivery.reason)
                return None

    def _pack(self, delivery: Delivery, queue: str, *, attempts: int) -> Pack:
        message = _message(delivery)
        sent = Message(
            exchange="", routing_key=queue, body=b"", message_id=delivery.message_id,
            priority=message.header.properties.priority or 0, headers=delivery.headers,
        )  # fmt: skip
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        return Pack(
            sent, [Waiting(sent, done, 0.0)], message.body, attempts=attempts, reason=delivery.reason,
            origin=delivery.routing_key, expires_at=expires_at(message),
        )  # fmt: skip

    def _delivered(self, channel: ConsumeChannel, message: DeliveredMessage) -> None:
        if self._channel is channel:
            self._inbox.append(delivery_of(self._queue, message, now=self._runtime.clock.now()))
            self._arrived.set()

    def _lost(self, channel: ConsumeChannel) -> None:
        if self._channel is channel:
            self._channel = None
            self._inbox.clear()
            self._arrived.set()

    def take(self, documents_max: int, *, alone: bool) -> list[Delivery]:
        taken: list[Delivery] = []
        room = documents_max
        while self._inbox:
            delivery = self._inbox[0]
            joins = delivery.attempts == 1
            if (taken and len(delivery.items) > room) or (not joins and (taken or not alone)):
                break
            taken.append(self._inbox.popleft())
            room -= len(delivery.items)
            if not joins or room <= 0:
                break
        if not self._inbox and not self._is_ending and self._channel is not None:
            self._arrived.clear()
        return taken

    async def arrival(self) -> None:
        await self._arrived.wait()


def _message(delivery: Delivery) -> DeliveredMessage:
    assert isinstance(delivery.tag, DeliveredMessage)
    return delivery.tag


async def _unused(_message: DeliveredMessage) -> None:
    """Deliveries take the channel's own short way."""


async def _close(channel: ConsumeChannel) -> None:
    try:
        async with asyncio.timeout(2):
            await channel.close()
    except TROUBLE:
        pass  # gone with its connection
