"""Do hints leave without anybody waiting, and is what is too much lost?"""

import asyncio

import pytest
from tests.unit.infra_db.recording_bus import RecordingBus

from stationmaster.contracts.facts import METER_VALUES_UPDATED, Fact
from stationmaster.infra.bus.port import PublishUnknown
from stationmaster.infra.db.hints import HintPublisher
from stationmaster.infra.runtime import Runtime

pytestmark = pytest.mark.anyio


def a_hint(number: int) -> Fact:
    return Fact(id=f"h{number}", type=METER_VALUES_UPDATED, at="2026-01-01T00:00:00Z")


async def test_they_are_published_in_order_and_a_failure_loses_only_itself() -> None:
    bus, runtime = RecordingBus(), Runtime()
    bus.trouble["h1"] = [PublishUnknown("publish_unknown")]
    done = asyncio.Event()
    bus.on_publish = lambda: done.set() if bus.ids[-1] == "last" else None
    hints = HintPublisher(bus.as_bus(), runtime)
    runtime.spawn(hints.run(), name="hints")
    await hints.publish([a_hint(0), a_hint(1)])
    await hints.publish([a_hint(2)])
    while len(bus.asked) < 3:
        await asyncio.sleep(0)
    await hints.publish([Fact(id="last", type=METER_VALUES_UPDATED, at="2026-01-01T00:00:00Z")])
    async with asyncio.timeout(5):
        await done.wait()
    assert bus.ids == ["h0", "h2", "last"]
    assert (bus.published[0].exchange, bus.published[0].routing_key) == (
        "events_exchange",
        METER_VALUES_UPDATED,
    )
    assert hints.lost == 1
    await runtime.cancel_all()


async def test_while_the_bus_is_away_the_oldest_are_lost() -> None:
    bus = RecordingBus()
    bus.ready = False
    hints = HintPublisher(bus.as_bus(), Runtime(), waiting_max=3)
    await hints.publish([a_hint(n) for n in range(5)])
    assert hints.lost == 2
    assert [hint.id for hint in hints._waiting] == ["h2", "h3", "h4"]
