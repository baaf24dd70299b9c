"""RabbitMQ takes the exam of the bus, and answers for what only a broker can do to us."""

import asyncio
import os
from collections.abc import Callable

import aiormq
import pytest
from tests.contract.bus.exam import BusExam, Collected, Names, document, until
from tests.support.rabbit_server import Rabbit
from tests.support.server import free_port

from stationmaster.contracts.topology import Queue, Topology
from stationmaster.infra.bus.amqp import AmqpBus
from stationmaster.infra.bus.port import Bus, Message, PublishUnknown
from stationmaster.infra.runtime import Runtime
from stationmaster.kernel.errors import Refused, Unavailable


class BrokerPlace:
    """A vhost."""

    is_shared = True

    def __init__(self, url: str) -> None:
        self.url = url
        self._runtimes: dict[int, Runtime] = {}

    async def open(self) -> AmqpBus:
        runtime = Runtime()
        bus = AmqpBus(self.url, topology=Topology((), (), ()), runtime=runtime)
        await bus.start()
        self._runtimes[id(bus)] = runtime
        return bus

    async def crash(self, bus: Bus) -> None:
        """The sockets just end."""
        assert isinstance(bus, AmqpBus)
        connections = [bus._link._connection, bus._publisher._link._connection]
        await self._runtimes.pop(id(bus)).cancel_all()
        for connection in connections:
            if connection is not None:
                await connection.close()


class TestAmqpBus(BusExam):
    @pytest.fixture
    def place(self, rabbitmq_url: str) -> BrokerPlace:
        return BrokerPlace(rabbitmq_url)

    async def test_another_kind_of_body_is_a_dead_letter_with_its_reason(
        self, place: BrokerPlace, names: Names
    ) -> None:
        async with self.bus(place, names) as bus:
            collected = Collected()
            await bus.consume(names.work, collected, batch_max=10)
            foreign = await aiormq.connect(place.url)
            channel = await foreign.channel()
            for body in (b'{"an":"object"}', b"\xff\x00", b"", b"[" * 10_000):
                await channel.basic_publish(body, exchange=names.exchange, routing_key="ocpp.x")
            await channel.basic_publish(b'[{"fine":1}]', exchange=names.exchange, routing_key="ocpp.x")
            await foreign.close()
            await collected.wait_for_documents(1)
            await until(lambda: self._has_dead(bus, names.work, 4))
            assert collected.documents == [b'{"fine":1}']
            assert all("array" in letter.reason for letter in await bus.dead_letters(names.work))

    async def test_other_arguments_are_refused_and_named(self, place: BrokerPlace, names: Names) -> None:
        async with self.bus(place, names) as bus:
            other = Topology((), (Queue(names.work, {"x-queue-type": "classic"}),), ())
            with pytest.raises(Refused, match=names.work):
                await bus.apply(other)
            [problem] = await bus.check(other)
            assert "other arguments" in problem

    async def test_a_consumer_waits_for_a_queue_that_is_not_there_yet(
        self, place: BrokerPlace, names: Names
    ) -> None:
        bus = await place.open()
        collected = Collected()
        await bus.consume(names.work, collected)
        await bus.apply(names.topology())
        await bus.publish(names.message(1))
        await collected.wait_for_documents(1)
        await bus.stop()


@pytest.mark.anyio
@pytest.mark.services
@pytest.mark.skipif("TEST_RABBITMQ_URL" in os.environ, reason="a given broker is not ours to kill")
class TestBrokerTrouble:
    """Alarms and deaths of a broker of our own."""

    @pytest.fixture
    def names(self) -> Names:
        return Names()

    async def test_what_was_confirmed_survives_the_brokers_death_while_publishing(
        self, rabbit: Rabbit, rabbitmq_url: str, names: Names
    ) -> None:
        bus = AmqpBus(rabbitmq_url, topology=names.topology(), confirm_within_s=2.0)
        await bus.start()
        await bus.apply(names.topology())
        confirmed: set[bytes] = set()
        is_over = False

        async def publish(task: int) -> None:
            number = task
            while not is_over:
                message = names.message(number, group="frames")
                try:
                    await bus.publish(message)
                except PublishUnknown:
                    continue  # the same id again
                confirmed.add(message.body)
                number += 16

        publishers = [asyncio.ensure_future(publish(task)) for task in range(16)]
        await until(lambda: _is(len(confirmed) > 200))
        await asyncio.to_thread(rabbit.kill)
        assert await _becomes(lambda: not bus.ready)
        await asyncio.to_thread(rabbit.restart)
        assert await _becomes(lambda: bus.ready)
        before = len(confirmed)
        await until(lambda: _is(len(confirmed) > before + 200))
        is_over = True
        await asyncio.gather(*publishers)
        collected = Collected()
        await bus.consume(names.work, collected, batch_max=500, prefetch=100)
        await collected.wait(lambda one: confirmed <= set(one.documents))
        await bus.stop()

    async def test_consumers_and_mailboxes_come_back_after_the_brokers_death(
        self, rabbit: Rabbit, rabbitmq_url: str, names: Names
    ) -> None:
        bus = AmqpBus(rabbitmq_url, topology=names.topology())
        await bus.start()
        await bus.apply(names.topology())
        await bus.open_mailbox(names.mailbox)
        work, letters = Collected(), Collected()
        await bus.consume(names.work, work)
        await bus.consume(names.mailbox, letters)
        await asyncio.to_thread(rabbit.kill)
        await asyncio.to_thread(rabbit.restart)

        async def arrives() -> bool:
            try:
                await bus.publish(Message("", names.mailbox, b"{}", message_id="letter"))
                await bus.publish(names.message(1))
            except Unavailable:
                return False
            return bool(work.documents and letters.documents)

        await until(arrives, within_s=40)
        await bus.stop()

    async def test_an_alarm_is_not_ready_and_unknown_then_all_is_well(
        self, rabbit: Rabbit, rabbitmq_url: str, names: Names
    ) -> None:
        bus = AmqpBus(rabbitmq_url, topology=names.topology(), confirm_within_s=0.5)
        await bus.start()
        await bus.apply(names.topology())
        collected = Collected()
        await bus.consume(names.work, collected)
        await asyncio.to_thread(rabbit.control, "set_vm_memory_high_watermark", "0.000001")
        try:
            # The broker tells a publisher of the alarm when it next publishes, and not before.
            await until(lambda: _is_unknown(bus, names.message(1)))
            assert not bus.ready
        finally:
            await asyncio.to_thread(rabbit.control, "set_vm_memory_high_watermark", "0.4")
        # What was unknown may still arrive; that is what the stable ids are for.
        assert await _becomes(lambda: bus.ready)
        await bus.publish(names.message(2))
        await collected.wait(lambda one: document(2) in one.documents)
        await bus.stop()

    async def test_a_broker_that_is_away_at_the_start_is_waited_for(self, names: Names) -> None:
        port = free_port()
        bus = AmqpBus(f"amqp://x:y@127.0.0.1:{port}/", confirm_within_s=0.2, start_within_s=0.1)
        await bus.start()
        assert not bus.ready
        with pytest.raises(PublishUnknown):
            await bus.publish(names.message(1))
        with pytest.raises(Unavailable):
            await bus.check(names.topology())
        await bus.stop()


async def _is_unknown(bus: Bus, message: Message) -> bool:
    try:
        await bus.publish(message)
    except PublishUnknown:
        return True
    return False


async def _is(claim: bool) -> bool:
    return claim


async def _becomes(claim: Callable[[], bool], *, within_s: float = 40) -> bool:
    async def holds() -> bool:
        return claim()

    await until(holds, within_s=within_s)
    return True
