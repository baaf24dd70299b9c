"""The bus over RabbitMQ: publisher and consumers on connections of their own, errands on short ones."""

import asyncio
from collections.abc import Callable
from typing import Final

import aiormq

from stationmaster.contracts import topology as topologies
from stationmaster.contracts.topology import Names, Topology
from stationmaster.infra.bus.amqp_admin import Errands
from stationmaster.infra.bus.amqp_consumer import AmqpSubscription
from stationmaster.infra.bus.amqp_link import Link
from stationmaster.infra.bus.amqp_publisher import Publisher
from stationmaster.infra.bus.delivering import Batching
from stationmaster.infra.bus.ladder import Ladder
from stationmaster.infra.bus.port import DeadLetter, Delivery, Handler, Message, QueueState, Subscription
from stationmaster.infra.runtime import Runtime
from stationmaster.kernel.errors import StationmasterError

CONFIRM_WITHIN_S: Final = 2.0
START_WITHIN_S: Final = 5.0


class AmqpBus:
    """See the port. ``url`` carries credentials, vhost and TLS (amqps); a broker that is away is waited
    for."""

    def __init__(
        self,
        url: str,
        *,
        names: Names | None = None,
        topology: Topology | None = None,
        runtime: Runtime | None = None,
        confirm_within_s: float = CONFIRM_WITHIN_S,
        start_within_s: float = START_WITHIN_S,
    ) -> None:
        self._runtime = runtime or Runtime()
        self._start_within_s = start_within_s
        self._publisher = Publisher(url, self._runtime, confirm_within_s=confirm_within_s)
        self._link = Link(url, self._runtime, name="consume", up=self._open_mailboxes, down=_nothing)
        self._errands = Errands(url)
        self._mailboxes: set[str] = set()
        self._subscriptions: list[AmqpSubscription] = []
        self._is_running = False
        self._use(topology or topologies.topology(names))

    def _use(self, topology: Topology) -> None:
        self._topology, self._ladder = topology, Ladder(topology)

    @property
    def ready(self) -> bool:
        return self._is_running and self._publisher.ready

    async def start(self) -> None:
        """Returns when connected, or after a few seconds: then ``ready`` is False until the broker is
        back."""
        if self._is_running:
            return
        self._is_running = True
        await asyncio.gather(
            self._publisher.start(within_s=self._start_within_s),
            self._link.start(within_s=self._start_within_s),
        )

    async def stop(self) -> None:
        if not self._is_running:
            return
        await asyncio.gather(*(subscription.cancel() for subscription in self._subscriptions))
        await self._publisher.stop()
        await self._link.stop()
        self._is_running = False

    async def publish(self, message: Message) -> None:
        await self._publisher.submit(message)

    def submit(self, message: Message) -> asyncio.Future[None]:
        try:
            return self._publisher.submit(message)
        except StationmasterError as error:
            failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            failed.set_exception(error)
            return failed

    async def consume(
        self,
        queue: str,
        handler: Handler,
        *,
        batch_max: int = 1,
        linger_s: float = 0.0,
        urgent: Callable[[Delivery], bool] | None = None,
        prefetch: int = 20,
    ) -> Subscription:
        subscription = AmqpSubscription(
            queue, handler, Batching(batch_max, linger_s, urgent), self._runtime,
            link=self._link, publisher=self._publisher, ladder=self._ladder, prefetch=prefetch,
        )  # fmt: skip
        self._subscriptions.append(subscription)
        subscription.ended = lambda: self._subscriptions.remove(subscription)
        subscription.start()
        return subscription

    async def open_mailbox(self, queue: str) -> None:
        """Now when connected, else with the connection; and again with each new one."""
        self._mailboxes.add(queue)
        if self._link.is_up:
            await self._open_mailboxes(await self._link.connection())

    async def _open_mailboxes(self, connection: aiormq.Connection) -> None:
        """Exclusive: the broker deletes them with the connection. An old one may be locked until it notices
        that our last connection is dead; then this raises, and the link tries again."""
        channel = await connection.channel(publisher_confirms=False)
        for queue in sorted(self._mailboxes):
            await channel.queue_declare(queue, exclusive=True)
        await channel.close()

    async def apply(self, topology: Topology) -> None:
        await self._errands.apply(topology)
        self._use(topology)

    async def check(self, topology: Topology) -> list[str]:
        return await self._errands.check(topology)

    async def state(self) -> list[QueueState]:
        return await self._errands.state(self._topology, set())

    async def dead_letters(self, queue: str, *, limit: int = 100) -> list[DeadLetter]:
        return await self._errands.dead_letters(queue, limit=limit)

    async def replay_dead(self, queue: str, *, limit: int = 100) -> int:
        return await self._errands.replay(queue, limit=limit)

    async def discard_dead(self, queue: str, *, limit: int = 100) -> int:
        return await self._errands.discard(queue, limit=limit)


def _nothing() -> None:
    """Subscriptions notice by themselves that their channels are gone."""
