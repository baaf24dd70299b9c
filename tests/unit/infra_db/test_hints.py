"""Do hints leave without anybody waiting, not too often, and is what is too much lost?"""

import asyncio

import pytest
from tests.unit.infra_db.recording_bus import RecordingBus

from stationmaster.contracts.facts import METER_VALUES_UPDATED, Fact
from stationmaster.infra.bus.port import PublishUnknown
from stationmaster.infra.db.hints import HintPublisher
from stationmaster.infra.runtime import Runtime

pytestmark = pytest.mark.anyio


def a_hint(number: int, *, session: str = "") -> Fact:
    return Fact(
        id=f"h{number}",
        type=METER_VALUES_UPDATED,
        at="2026-01-01T00:00:00Z",
        session_id=session or f"ses_{number}",
    )


class Told(RecordingBus):
    """A bus that can be waited for."""

    async def until_asked(self, count: int) -> None:
        async with asyncio.timeout(5):
            while len(self.asked) < count:
                await asyncio.sleep(0)


async def test_they_are_published_in_order_and_a_failure_loses_only_itself() -> None:
    bus, runtime = Told(), Runtime()
    bus.trouble["h1"] = [PublishUnknown("publish_unknown")]
    hints = HintPublisher(bus.as_bus(), runtime, every_s=0)
    runtime.spawn(hints.run(), name="hints")
    await hints.publish([a_hint(0), a_hint(1)])
    await hints.publish([a_hint(2)])
    await bus.until_asked(3)
    await hints.publish([a_hint(3)])
    await bus.until_asked(4)
    await asyncio.sleep(0)
    assert bus.ids == ["h0", "h2", "h3"]
    assert (bus.published[0].exchange, bus.published[0].routing_key) == (
        "events_exchange",
        METER_VALUES_UPDATED,
    )
    assert hints.lost == 1
    await runtime.cancel_all()


class Paused(Runtime):
    """Sleeps until it is told that the time is over."""

    __slots__ = ("over",)

    def __init__(self) -> None:
        super().__init__()
        self.over = asyncio.Event()

    async def sleep(self, seconds: float) -> None:
        await self.over.wait()


async def test_the_first_leaves_at_once_then_only_the_newest_about_each_thing() -> None:
    bus, runtime = Told(), Paused()
    hints = HintPublisher(bus.as_bus(), runtime)
    runtime.spawn(hints.run(), name="hints")
    await hints.publish([a_hint(0, session="a")])
    await bus.until_asked(1)
    for number in range(1, 10):
        await hints.publish([a_hint(number, session="ab"[number % 2])])
        await asyncio.sleep(0)
    assert bus.asked == ["h0"], "the second is not over"
    runtime.over.set()
    await bus.until_asked(3)
    assert bus.asked == ["h0", "h9", "h8"]
    assert hints.lost == 0
    await runtime.cancel_all()


async def test_while_the_bus_is_away_the_oldest_are_lost() -> None:
    bus = RecordingBus()
    bus.ready = False
    hints = HintPublisher(bus.as_bus(), Runtime(), waiting_max=3)
    await hints.publish([a_hint(n) for n in range(5)])
    assert hints.lost == 2
    assert [hint.id for hint in hints._waiting.values()] == ["h2", "h3", "h4"]
