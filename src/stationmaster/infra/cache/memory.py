"""The cache of one process: a bounded dictionary with times to live."""

from collections import OrderedDict
from dataclasses import dataclass

from stationmaster.kernel.clock import Clock

ENTRIES_MAX = 100_000


@dataclass(slots=True)
class _Entry:
    value: str | list[str]
    dies_at: float


class MemoryCache:
    """See the port. When full, what was written longest ago goes first."""

    def __init__(self, clock: Clock, *, entries_max: int = ENTRIES_MAX):
        self._clock = clock
        self._entries_max = entries_max
        self._entries: OrderedDict[str, _Entry] = OrderedDict()

    async def start(self) -> None:
        pass

    async def stop(self) -> None:
        self._entries.clear()

    async def get(self, key: str) -> str | None:
        value = self._alive(key)
        return value if isinstance(value, str) else None

    async def get_many(self, keys: list[str]) -> dict[str, str]:
        return {key: value for key in keys if isinstance(value := self._alive(key), str)}

    async def put(self, key: str, value: str, *, ttl_s: float) -> None:
        self._set(key, value, ttl_s)

    async def put_many(self, values: dict[str, str], *, ttl_s: float) -> None:
        for key, value in values.items():
            self._set(key, value, ttl_s)

    async def put_if_absent(self, key: str, value: str, *, ttl_s: float) -> bool:
        if self._alive(key) is not None:
            return False
        self._set(key, value, ttl_s)
        return True

    async def delete(self, key: str) -> None:
        self._entries.pop(key, None)

    async def delete_if(self, key: str, value: str) -> bool:
        if self._alive(key) != value:
            return False
        del self._entries[key]
        return True

    async def push(self, key: str, value: str, *, keep: int, ttl_s: float) -> None:
        there = self._alive(key)
        before = there if isinstance(there, list) else []
        self._set(key, [value, *before][:keep], ttl_s)

    async def recent(self, key: str, *, limit: int = 100) -> list[str]:
        value = self._alive(key)
        return value[:limit] if isinstance(value, list) else []

    async def ping(self) -> None:
        pass

    def _alive(self, key: str) -> str | list[str] | None:
        entry = self._entries.get(key)
        if entry is None:
            return None
        if entry.dies_at <= self._clock.monotonic():
            del self._entries[key]
            return None
        return entry.value

    def _set(self, key: str, value: str | list[str], ttl_s: float) -> None:
        self._entries[key] = _Entry(value, self._clock.monotonic() + ttl_s)
        self._entries.move_to_end(key)
        while len(self._entries) > self._entries_max:
            self._entries.popitem(last=False)
