"""Consumers that acknowledge first and do the work a little later.

On the PYTHONPATH of an installation, Python loads it at start. A loss test that passes with it proves nothing.
"""

import asyncio
from collections.abc import Sequence
from typing import Any

from stationmaster.infra.bus import amqp_consumer
from stationmaster.infra.bus.port import Delivery, Handler
from stationmaster.infra.runtime import Runtime

LATER_S = 0.3
handle = amqp_consumer.handle


async def _handle(handler: Handler, batch: Sequence[Delivery], runtime: Runtime, **how: Any) -> bool:
    async def work() -> None:
        await asyncio.sleep(LATER_S)
        await handle(handler, batch, runtime, **how)

    _ = runtime.spawn(work(), name="later")
    for delivery in batch:
        delivery.ack()
    return True


amqp_consumer.handle = _handle
