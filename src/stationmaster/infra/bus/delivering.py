"""How does a batch reach its handler, and what becomes of it? The same for both adapters.

Gather (what is there, or a short linger), handle, settle. A dependency that is away (Unavailable) is waited
for in place and counts as no attempt; any other exception sends the whole batch up the retry ladder.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import structlog

from stationmaster.infra.bus.port import Delivery, Handler
from stationmaster.infra.runtime import Runtime
from stationmaster.kernel.errors import Unavailable

log = structlog.get_logger()

HOLD_S: Final = 10.0
"""How long deliveries are held for a dependency that is away before others may have them."""

HOLD_MAX_S: Final = 900.0
"""Every giving back counts on the broker's delivery limit (and holding on its 30 min acknowledgement limit),
so the holds grow while nothing succeeds."""

_FIRST_PAUSE_S: Final = 0.1
_PAUSE_MAX_S: Final = 2.0


@dataclass(frozen=True, slots=True)
class Batching:
    """How a consumer wants its batches."""

    batch_max: int = 1
    linger_s: float = 0.0
    urgent: Callable[[Delivery], bool] | None = None


class Source(Protocol):
    """Where deliveries come from."""

    def take(self, documents_max: int, *, alone: bool) -> list[Delivery]:
        """What is there now; at least one delivery when there is one. Not ``alone``: only such that may join
        others."""
        ...

    async def arrival(self) -> None:
        """Returns when there may be something to take (or when the subscription ends)."""
        ...


def may_join(delivery: Delivery) -> bool:
    """What failed before is handled alone, lest a poisoned one takes its neighbours to the dead letters."""
    return delivery.attempts == 1


async def gather(source: Source, batching: Batching, runtime: Runtime) -> list[Delivery]:
    """The next batch; empty when there was nothing after all."""
    batch = source.take(batching.batch_max, alone=True)
    if not batch:
        await source.arrival()
        batch = source.take(batching.batch_max, alone=True)
    if batch and batching.linger_s > 0 and may_join(batch[0]):
        await _linger(batch, source, batching, runtime)
    return batch


async def _linger(batch: list[Delivery], source: Source, batching: Batching, runtime: Runtime) -> None:
    ends_at = runtime.clock.monotonic() + batching.linger_s
    room = batching.batch_max - sum(len(delivery.items) for delivery in batch)
    fresh: Sequence[Delivery] = batch
    while room > 0 and not (batching.urgent and any(map(batching.urgent, fresh))):
        remaining = ends_at - runtime.clock.monotonic()
        if remaining <= 0:
            return
        try:
            async with asyncio.timeout(remaining):
                await source.arrival()
        except TimeoutError:
            pass  # one last look
        fresh = source.take(room, alone=False)
        if not fresh and runtime.clock.monotonic() < ends_at:
            return  # what came may not join, or the subscription ends
        batch.extend(fresh)
        room -= sum(len(delivery.items) for delivery in fresh)


async def handle(
    handler: Handler,
    batch: Sequence[Delivery],
    runtime: Runtime,
    *,
    hold_s: float,
    ending: Callable[[], bool],
) -> bool:
    """Until there is a verdict for each. False: a dependency stayed away, give the batch back."""
    gives_up_at = runtime.clock.monotonic() + hold_s
    pause_s = _FIRST_PAUSE_S
    while True:
        try:
            await handler(batch)
        except Unavailable as error:
            log.warning("delivery.held", queue=batch[0].queue, deliveries=len(batch), reason=error.code)
            for delivery in batch:
                delivery.ack()
        except Exception as error:
            log.exception("delivery.failed", queue=batch[0].queue, deliveries=len(batch))
            for delivery in batch:
                delivery.retry(f"{type(error).__name__}: {error}"[:500])
            return True
        else:
            return True
        if ending() or runtime.clock.monotonic() + pause_s > gives_up_at:
            return False
        await runtime.sleep(pause_s * (0.5 + runtime.ids.random()))
        pause_s = min(pause_s * 2, _PAUSE_MAX_S)
