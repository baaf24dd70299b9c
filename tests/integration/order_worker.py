"""A frame worker as a process of its own: python -m tests.integration.order_worker BUS_URL DATABASE_URL."""

import asyncio
import signal
import sys

from stationmaster.infra.bus.amqp import AmqpBus
from stationmaster.infra.db.postgres import PostgresDatabase
from stationmaster.infra.runtime import Runtime
from stationmaster.infra.telemetry import configure_logs
from stationmaster.worker.frames import FrameWorker, Intake


async def main(bus_url: str, database_url: str) -> None:
    """Small batches, so that the workers meet often."""
    runtime = Runtime()
    bus = AmqpBus(bus_url, runtime=runtime)
    database = PostgresDatabase(database_url, runtime=runtime, pool_size=2)
    await database.start()
    await bus.start()
    worker = FrameWorker(
        database=database, bus=bus, runtime=runtime, intake=Intake(batch_max=40, linger_s=0.002, prefetch=6)
    )
    await worker.start()
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    print("ready", flush=True)
    await stopped.wait()
    await worker.stop()
    await bus.stop()
    await database.stop()


if __name__ == "__main__":
    configure_logs(level="WARNING", style="pretty")
    asyncio.run(main(sys.argv[1], sys.argv[2]))
