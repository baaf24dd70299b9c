"""The cache shared by all processes: Redis, with short patience."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as LostConnection
from redis.exceptions import RedisError

from stationmaster.kernel.errors import Unavailable

WITHIN_S = 0.5  # Nobody waits longer for what may be lost anyway.

_DELETE_IF = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0"


class RedisCache:
    """See the port."""

    def __init__(self, url: str, *, within_s: float = WITHIN_S):
        self._url = url
        self._within_s = within_s
        self._client: Redis | None = None

    async def start(self) -> None:
        """Needs no Redis yet: the cache may come later than its users."""
        self._client = Redis.from_url(
            self._url,
            socket_timeout=self._within_s,
            socket_connect_timeout=self._within_s,
            socket_keepalive=True,
            # Once, at once: a pooled connection may be from before the server's restart.
            retry=Retry(NoBackoff(), 1, supported_errors=(LostConnection,)),
            decode_responses=True,
        )

    async def stop(self) -> None:
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    async def get(self, key: str) -> str | None:
        async with self._redis() as redis:
            value: str | None = await redis.get(key)
            return value

    async def get_many(self, keys: list[str]) -> dict[str, str]:
        if not keys:
            return {}
        async with self._redis() as redis:
            values = await redis.mget(keys)
        return {key: value for key, value in zip(keys, values, strict=True) if value is not None}

    async def put(self, key: str, value: str, *, ttl_s: float) -> None:
        async with self._redis() as redis:
            await redis.set(key, value, px=_ms(ttl_s))

    async def put_many(self, values: dict[str, str], *, ttl_s: float) -> None:
        if not values:
            return
        async with self._redis() as redis, redis.pipeline(transaction=False) as pipe:
            for key, value in values.items():
                pipe.set(key, value, px=_ms(ttl_s))
            await pipe.execute()

    async def put_if_absent(self, key: str, value: str, *, ttl_s: float) -> bool:
        async with self._redis() as redis:
            return bool(await redis.set(key, value, px=_ms(ttl_s), nx=True))

    async def delete(self, key: str) -> None:
        async with self._redis() as redis:
            await redis.delete(key)

    async def delete_if(self, key: str, value: str) -> bool:
        async with self._redis() as redis:
            return bool(await redis.eval(_DELETE_IF, 1, key, value))

    async def push(self, key: str, value: str, *, keep: int, ttl_s: float) -> None:
        async with self._redis() as redis, redis.pipeline(transaction=True) as pipe:
            pipe.lpush(key, value)
            pipe.ltrim(key, 0, keep - 1)
            pipe.pexpire(key, _ms(ttl_s))
            await pipe.execute()

    async def recent(self, key: str, *, limit: int = 100) -> list[str]:
        async with self._redis() as redis:
            values: list[str] = await redis.lrange(key, 0, limit - 1)
            return values

    async def ping(self) -> None:
        async with self._redis() as redis:
            await redis.ping()

    @asynccontextmanager
    async def _redis(self) -> AsyncIterator[Any]:
        if self._client is None:
            raise Unavailable("cache_unavailable", "The cache was not started.")
        try:
            yield self._client
        except (RedisError, OSError, TimeoutError) as error:
            raise Unavailable("cache_unavailable", f"The cache did not answer: {error}") from error


def _ms(seconds: float) -> int:
    """Redis refuses a time to live of nothing."""
    return max(1, int(seconds * 1000))
