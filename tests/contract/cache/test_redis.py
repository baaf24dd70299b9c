"""Redis takes the exam on a real server; then what happens without one."""

import asyncio

import pytest
from tests.contract.cache.exam import CacheExam

from stationmaster.infra.cache.port import Cache
from stationmaster.infra.cache.redis import RedisCache
from stationmaster.kernel.errors import Unavailable

pytestmark = pytest.mark.services


class TestRedis(CacheExam):
    @pytest.fixture(autouse=True)
    def a_url(self, redis_url: str) -> None:
        self.redis_url = redis_url

    def make(self) -> Cache:
        return RedisCache(self.redis_url)

    async def let_pass(self, seconds: float) -> None:
        await asyncio.sleep(seconds)  # the server's clock is not ours to move


@pytest.mark.anyio
async def test_without_a_server_everything_is_unavailable_and_soon() -> None:
    cache = RedisCache("redis://127.0.0.1:1/0")
    await cache.start()
    async with asyncio.timeout(3):
        for use in (
            cache.ping(),
            cache.get("a"),
            cache.get_many(["a"]),
            cache.put("a", "1", ttl_s=1),
            cache.put_many({"a": "1"}, ttl_s=1),
            cache.put_if_absent("a", "1", ttl_s=1),
            cache.delete("a"),
            cache.delete_if("a", "1"),
            cache.push("a", "1", keep=1, ttl_s=1),
            cache.recent("a"),
        ):
            with pytest.raises(Unavailable):
                await use
    await cache.stop()
    with pytest.raises(Unavailable):
        await cache.ping()


@pytest.mark.anyio
async def test_a_server_that_hangs_costs_half_a_second() -> None:
    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    cache = RedisCache(f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}/0", within_s=0.1)
    await cache.start()
    async with asyncio.timeout(3):
        with pytest.raises(Unavailable):
            await cache.get("a")
    await cache.stop()
    server.close()
    await server.wait_closed()
