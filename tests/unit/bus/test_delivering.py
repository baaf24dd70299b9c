"""How is a batch handled, held and given back? With a clock that moves only when told."""

from collections.abc import Sequence
from itertools import pairwise

import pytest

from stationmaster.infra.bus.delivering import HOLD_S, Batching, gather, handle
from stationmaster.infra.bus.port import Delivery
from stationmaster.infra.runtime import Runtime
from stationmaster.kernel.clock import VirtualClock
from stationmaster.kernel.errors import Unavailable
from stationmaster.kernel.ids import SeededIds

pytestmark = pytest.mark.anyio


class VirtualRuntime(Runtime):
    """Sleeping moves the clock."""

    async def sleep(self, seconds: float) -> None:
        assert isinstance(self.clock, VirtualClock)
        self.clock.advance(seconds)


@pytest.fixture
def runtime() -> VirtualRuntime:
    clock = VirtualClock()
    return VirtualRuntime(clock=clock, ids=SeededIds(1, clock))


def deliveries(count: int) -> list[Delivery]:
    return [Delivery(queue="q", routing_key="k", items=[b"{}"]) for _ in range(count)]


async def test_an_absent_dependency_is_asked_again_until_it_is_back(runtime: VirtualRuntime) -> None:
    calls: list[float] = []

    async def handler(batch: Sequence[Delivery]) -> None:
        calls.append(runtime.clock.monotonic())
        batch[0].retry("said before it was away")
        if len(calls) < 4:
            raise Unavailable("database_away")
        batch[0].ack()

    batch = deliveries(2)
    assert await handle(handler, batch, runtime, hold_s=HOLD_S, ending=lambda: False)
    assert [delivery.verdict for delivery in batch] == ["ack", "ack"]
    waits = [later - earlier for earlier, later in pairwise(calls)]
    assert waits == sorted(waits)


async def test_patience_ends_and_the_batch_is_given_back_without_a_verdict(runtime: VirtualRuntime) -> None:
    async def handler(_batch: Sequence[Delivery]) -> None:
        raise Unavailable("database_away")

    batch = deliveries(1)
    assert not await handle(handler, batch, runtime, hold_s=HOLD_S, ending=lambda: False)
    assert runtime.clock.monotonic() <= HOLD_S
    assert runtime.clock.monotonic() >= HOLD_S / 2
    assert (batch[0].verdict, batch[0].attempts) == ("ack", 1)


async def test_any_other_exception_sends_the_whole_batch_up_the_ladder(runtime: VirtualRuntime) -> None:
    async def handler(_batch: Sequence[Delivery]) -> None:
        raise KeyError("tariff")

    batch = deliveries(3)
    assert await handle(handler, batch, runtime, hold_s=HOLD_S, ending=lambda: False)
    assert [(one.verdict, one.reason) for one in batch] == [("retry", "KeyError: 'tariff'")] * 3


class Given:
    """A source with fixed contents."""

    def __init__(self, batches: list[list[Delivery]]) -> None:
        self._batches = batches

    def take(self, documents_max: int, *, alone: bool) -> list[Delivery]:
        return self._batches.pop(0) if self._batches else []

    async def arrival(self) -> None:
        return None


async def test_lingering_ends_when_the_batch_is_full(runtime: VirtualRuntime) -> None:
    source = Given([deliveries(2), deliveries(1), deliveries(1)])
    batch = await gather(source, Batching(batch_max=4, linger_s=5), runtime)
    assert len(batch) == 4


async def test_lingering_ends_with_an_urgent_delivery(runtime: VirtualRuntime) -> None:
    urgent = Delivery(queue="q", routing_key="now", items=[b"{}"])
    source = Given([deliveries(1), [urgent], deliveries(1)])
    batching = Batching(batch_max=100, linger_s=5, urgent=lambda one: one.routing_key == "now")
    assert await gather(source, batching, runtime) == [*deliveries(1), urgent]


async def test_what_failed_before_does_not_linger_for_company(runtime: VirtualRuntime) -> None:
    failed = Delivery(queue="q", routing_key="k", items=[b"{}"], attempts=2)
    source = Given([[failed], deliveries(1)])
    assert await gather(source, Batching(batch_max=100, linger_s=5), runtime) == [failed]
