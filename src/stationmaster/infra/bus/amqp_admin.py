"""What people do with the broker: create the topology, check it, count, look at dead letters. A connection
per errand."""

import contextlib
from collections.abc import AsyncIterator
from typing import Any

import aiormq
from aiormq.abc import AbstractChannel, DeliveredMessage
from aiormq.exceptions import (
    ChannelAccessRefused,
    ChannelLockedResource,
    ChannelNotFoundEntity,
    ChannelPreconditionFailed,
)
from pamqp import commands

from stationmaster.contracts.topology import Exchange, Queue, Topology, dead_queue
from stationmaster.infra.bus.amqp_link import TROUBLE, with_heartbeat
from stationmaster.infra.bus.amqp_wire import ATTEMPTS, REASON, dead_letter_of
from stationmaster.infra.bus.port import DeadLetter, QueueState
from stationmaster.kernel.errors import Refused, Unavailable


class Errands:
    """Each raises Unavailable when the broker cannot be reached."""

    def __init__(self, url: str) -> None:
        self._url = url

    @contextlib.asynccontextmanager
    async def _connected(self) -> AsyncIterator[aiormq.Connection]:
        connection = aiormq.Connection(with_heartbeat(self._url, "errand"))
        try:
            await connection.connect()
        except TROUBLE as error:
            raise Unavailable("broker_unavailable", f"{type(error).__name__}: {error}") from error
        try:
            yield connection
        except TROUBLE as error:
            raise Unavailable("broker_trouble", f"{type(error).__name__}: {error}") from error
        finally:
            await connection.close()

    async def apply(self, topology: Topology) -> None:
        async with self._connected() as connection:
            channel = await connection.channel(publisher_confirms=False)
            for thing in _things(topology):
                try:
                    await _declare(channel, thing)
                except ChannelPreconditionFailed as error:
                    raise Refused("topology_conflict", f"{thing.name}: {error}", name=thing.name) from error
            for binding in topology.bindings:
                bind = channel.exchange_bind if binding.to_exchange else channel.queue_bind
                await bind(binding.destination, binding.source, binding.key)

    async def check(self, topology: Topology) -> list[str]:
        """Bindings cannot be asked for in AMQP 0-9-1; publishing is mandatory, so a missing one is heard
        of."""
        wrong: list[str] = []
        async with self._connected() as connection:
            channel = await connection.channel(publisher_confirms=False)
            for thing in _things(topology):
                word = "exchange" if isinstance(thing, Exchange) else "queue"
                try:
                    await _declare(channel, thing, passive=True)
                    await _declare(channel, thing)  # it exists, so this only compares
                except ChannelNotFoundEntity:
                    wrong.append(f"{word} {thing.name} is missing")
                except ChannelPreconditionFailed as error:
                    wrong.append(f"{word} {thing.name} has other arguments: {error}")
                except ChannelAccessRefused:
                    pass  # it is there; a gateway's account may not declare it, so it may not compare either
                if channel.is_closed:
                    channel = await connection.channel(publisher_confirms=False)
        return wrong

    async def state(self, topology: Topology, mailboxes: set[str]) -> list[QueueState]:
        found: list[QueueState] = []
        async with self._connected() as connection:
            channel = await connection.channel(publisher_confirms=False)
            for name in [*(queue.name for queue in topology.queues), *sorted(mailboxes)]:
                if channel.is_closed:
                    channel = await connection.channel(publisher_confirms=False)
                try:
                    answer = await channel.queue_declare(name, passive=True)
                except (ChannelNotFoundEntity, ChannelLockedResource):
                    continue
                found.append(
                    QueueState(name, ready=answer.message_count or 0, consumers=answer.consumer_count or 0)
                )
        return found

    async def dead_letters(self, queue: str, *, limit: int) -> list[DeadLetter]:
        async with self._connected() as connection:
            channel = await connection.channel(publisher_confirms=False)
            taken = [message async for message in _taken(channel, queue, limit)]
            if taken:
                # Put back in so many words: what a closing connection drops returns a moment later only, and
                # the next errand would not see it.
                await channel.basic_nack(taken[-1].delivery_tag or 0, multiple=True, requeue=True)
                await channel.queue_declare(dead_queue(queue), passive=True)
            return [dead_letter_of(queue, message) for message in taken]

    async def replay(self, queue: str, *, limit: int) -> int:
        count = 0
        async with self._connected() as connection:
            channel = await connection.channel()
            async for message in _taken(channel, queue, limit):
                properties = message.header.properties
                await channel.basic_publish(
                    message.body, routing_key=queue, mandatory=True, timeout=10,
                    properties=commands.Basic.Properties(
                        content_type="application/json", delivery_mode=2, priority=properties.priority or 0,
                        message_id=properties.message_id, timestamp=properties.timestamp,
                        headers=_as_new(properties.headers or {}),
                    ),
                )  # fmt: skip
                await channel.basic_ack(message.delivery_tag or 0)
                count += 1
        return count

    async def discard(self, queue: str, *, limit: int) -> int:
        count = 0
        async with self._connected() as connection:
            channel = await connection.channel(publisher_confirms=False)
            async for message in _taken(channel, queue, limit):
                await channel.basic_ack(message.delivery_tag or 0)
                count += 1
        return count


def _things(topology: Topology) -> list[Exchange | Queue]:
    return [*topology.exchanges, *topology.queues]


async def _declare(channel: AbstractChannel, thing: Exchange | Queue, *, passive: bool = False) -> None:
    if isinstance(thing, Exchange):
        await channel.exchange_declare(thing.name, exchange_type=thing.kind, durable=True, passive=passive)
    else:
        await channel.queue_declare(
            thing.name, durable=thing.durable, arguments=thing.arguments or None, passive=passive
        )


async def _taken(channel: AbstractChannel, queue: str, limit: int) -> AsyncIterator[DeliveredMessage]:
    """At most ``limit`` of its dead letters, as they were set aside."""
    for _ in range(limit):
        try:
            message = await channel.basic_get(dead_queue(queue))
        except ChannelNotFoundEntity:
            return
        if isinstance(message.delivery, commands.Basic.GetEmpty):
            return
        yield message


def _as_new(headers: dict[str, Any]) -> dict[str, Any]:
    """Without its history: attempts count from 1, and a deadline that is long past must not kill it again."""
    gone = {ATTEMPTS, REASON, "x-expires-at"}
    return {
        key: value
        for key, value in headers.items()
        if key not in gone
        and not key.startswith(("x-death", "x-first-death", "x-last-death", "x-delivery-count"))
    }
