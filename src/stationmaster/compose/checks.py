"""Why might a process not be ready? The same questions for `/health` and `stationmaster doctor`."""

import asyncio

from stationmaster.api.health import Check
from stationmaster.compose.adapters import Parts
from stationmaster.kernel.errors import Unavailable

TOPOLOGY_EVERY_S = 30.0


class TopologyProbe:
    """Are the queues there? Asked in the background: fifty of them take the broker longer than a health check may."""

    def __init__(self, parts: Parts):
        self._parts = parts
        self._missing: list[str] = []
        self._checked_at = float("-inf")
        self._task: asyncio.Task[None] | None = None

    async def __call__(self) -> None:
        now = self._parts.runtime.clock.monotonic()
        if now - self._checked_at > TOPOLOGY_EVERY_S and (self._task is None or self._task.done()):
            self._task = self._parts.runtime.spawn(self._look(), name="topology-probe")
        if self._missing:
            raise Unavailable("topology", "; ".join(self._missing[:3]))

    async def _look(self) -> None:
        try:
            self._missing = await self._parts.bus.check(self._parts.topology)
            self._checked_at = self._parts.runtime.clock.monotonic()
        except Unavailable:
            return  # that the broker is away is the other check's to say


def checks_of(parts: Parts) -> dict[str, Check]:
    """By name; each raises with its reason."""

    async def broker() -> None:
        if not parts.bus.ready:
            raise Unavailable("broker_not_ready", "disconnected or blocked")

    found: dict[str, Check] = {"broker": broker, "queues": TopologyProbe(parts)}
    if parts.database is not None:
        found["database"] = parts.database.ping
    if parts.settings.cache:
        found["cache"] = parts.cache.ping
    return found
