"""A process with a bus, to be killed: ``child.py journal|amqp <place> publish|consume <exchange> <queue>``.

Says a line per confirmed document (publish), or per document in hand, which is never finished (consume).
"""

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

from stationmaster.contracts.topology import Binding, Exchange, Topology, with_ladder
from stationmaster.infra.bus.amqp import AmqpBus
from stationmaster.infra.bus.journal import Journal, JournalBus
from stationmaster.infra.bus.port import Bus, Delivery, Message
from stationmaster.infra.runtime import Runtime


def a_bus(kind: str, place: str, topology: Topology) -> Bus:
    if kind == "journal":
        return JournalBus(Journal(Path(place)), topology, Runtime())
    return AmqpBus(place, topology=topology)


def a_topology(exchange: str, queue: str) -> Topology:
    return Topology((Exchange(exchange),), tuple(with_ladder(queue)), (Binding(exchange, "ocpp.#", queue),))


async def publish(bus: Bus, exchange: str) -> None:
    async def one_after_another(task: int) -> None:
        number = task
        while True:
            body = f'{{"n":{number}}}'.encode()
            await bus.publish(Message(exchange, "ocpp.x", body, f"m{number}", group="frames"))
            say(body)
            number += 10

    await asyncio.gather(*(one_after_another(task) for task in range(10)))


async def consume(bus: Bus, queue: str) -> None:
    async def hang(batch: Sequence[Delivery]) -> None:
        for delivery in batch:
            for item in delivery.items:
                say(item)
        await asyncio.Event().wait()

    await bus.consume(queue, hang, batch_max=50)
    await asyncio.Event().wait()


def say(body: bytes) -> None:
    sys.stderr.buffer.write(body + b"\n")
    sys.stderr.buffer.flush()


async def main(kind: str, place: str, what: str, exchange: str, queue: str) -> None:
    topology = a_topology(exchange, queue)
    bus = a_bus(kind, place, topology)
    await bus.start()
    await bus.apply(topology)
    await (publish(bus, exchange) if what == "publish" else consume(bus, queue))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
