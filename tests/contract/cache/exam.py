"""What every cache adapter must do: the exam both take."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from stationmaster.infra.cache.port import Cache

LONG_S = 60.0


@pytest.mark.anyio
class CacheExam:
    """Adapters give ``make`` and ``let_pass``."""

    def make(self) -> Cache:
        raise NotImplementedError

    async def let_pass(self, seconds: float) -> None:
        raise NotImplementedError

    @pytest.fixture
    async def cache(self) -> AsyncIterator[Cache]:
        cache = self.make()
        await cache.start()
        yield cache
        await cache.stop()

    async def test_what_was_put_is_there(self, cache: Cache) -> None:
        await cache.put("a", "१ ⚡", ttl_s=LONG_S)
        await cache.put("a", "2", ttl_s=LONG_S)
        assert await cache.get("a") == "2"
        assert await cache.get("b") is None

    async def test_many_at_once(self, cache: Cache) -> None:
        await cache.put_many({f"k{i}": str(i) for i in range(50)}, ttl_s=LONG_S)
        assert await cache.get_many(["k1", "nothing", "k49"]) == {"k1": "1", "k49": "49"}
        assert await cache.get_many([]) == {}
        await cache.put_many({}, ttl_s=LONG_S)

    async def test_everything_has_its_time(self, cache: Cache) -> None:
        await cache.put("short", "1", ttl_s=0.05)
        await cache.put_many({"short2": "1"}, ttl_s=0.05)
        await cache.push("short3", "1", keep=5, ttl_s=0.05)
        await cache.put("long", "1", ttl_s=LONG_S)
        await self.let_pass(0.06)
        assert await cache.get("short") is None
        assert await cache.get_many(["short", "short2", "long"]) == {"long": "1"}
        assert await cache.recent("short3") == []

    async def test_putting_again_starts_the_time_again(self, cache: Cache) -> None:
        await cache.put("a", "1", ttl_s=0.05)
        await cache.put("a", "2", ttl_s=LONG_S)
        await self.let_pass(0.06)
        assert await cache.get("a") == "2"

    async def test_put_if_absent_lets_one_win(self, cache: Cache) -> None:
        won = await asyncio.gather(*(cache.put_if_absent("lock", str(i), ttl_s=LONG_S) for i in range(10)))
        assert sum(won) == 1
        assert await cache.get("lock") == str(won.index(True))

    async def test_put_if_absent_after_the_time(self, cache: Cache) -> None:
        assert await cache.put_if_absent("lock", "1", ttl_s=0.05)
        assert not await cache.put_if_absent("lock", "2", ttl_s=LONG_S)
        await self.let_pass(0.06)
        assert await cache.put_if_absent("lock", "3", ttl_s=LONG_S)

    async def test_delete(self, cache: Cache) -> None:
        await cache.put("a", "1", ttl_s=LONG_S)
        await cache.delete("a")
        await cache.delete("a")
        assert await cache.get("a") is None

    async def test_compare_and_delete(self, cache: Cache) -> None:
        await cache.put("presence", "gateway-2", ttl_s=LONG_S)
        assert not await cache.delete_if("presence", "gateway-1")
        assert await cache.get("presence") == "gateway-2"
        assert await cache.delete_if("presence", "gateway-2")
        assert await cache.get("presence") is None
        assert not await cache.delete_if("presence", "gateway-2")

    async def test_recent_entries_newest_first_and_no_more_than_kept(self, cache: Cache) -> None:
        for i in range(7):
            await cache.push("events", str(i), keep=5, ttl_s=LONG_S)
        assert await cache.recent("events") == ["6", "5", "4", "3", "2"]
        assert await cache.recent("events", limit=2) == ["6", "5"]
        assert await cache.recent("nothing") == []

    async def test_ping(self, cache: Cache) -> None:
        await cache.ping()

    async def test_it_can_be_started_again(self, cache: Cache) -> None:
        await cache.stop()
        await cache.start()
        await cache.put("a", "1", ttl_s=LONG_S)
        assert await cache.get("a") == "1"
