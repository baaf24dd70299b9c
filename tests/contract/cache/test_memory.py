"""The in-process cache takes the exam on a virtual clock."""

import pytest
from tests.contract.cache.exam import LONG_S, CacheExam

from stationmaster.infra.cache.memory import MemoryCache
from stationmaster.infra.cache.port import Cache
from stationmaster.kernel.clock import VirtualClock


class TestMemory(CacheExam):
    @pytest.fixture(autouse=True)
    def a_clock(self) -> None:
        self.clock = VirtualClock()

    def make(self) -> Cache:
        return MemoryCache(self.clock)

    async def let_pass(self, seconds: float) -> None:
        self.clock.advance(seconds)

    async def test_it_is_bounded_and_forgets_the_oldest_write(self) -> None:
        cache = MemoryCache(self.clock, entries_max=3)
        for key in ("a", "b", "c", "a", "d"):
            await cache.put(key, "1", ttl_s=LONG_S)
        assert await cache.get_many(["a", "b", "c", "d"]) == {"a": "1", "c": "1", "d": "1"}
