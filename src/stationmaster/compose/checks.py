"""Why might a process not be ready? The same questions for `/health` and `stationmaster doctor`."""

from stationmaster.api.health import Check
from stationmaster.compose.adapters import Parts
from stationmaster.kernel.errors import Unavailable


def checks_of(parts: Parts) -> dict[str, Check]:
    """By name; each raises with its reason."""

    async def broker() -> None:
        if not parts.bus.ready:
            raise Unavailable("broker_not_ready", "disconnected or blocked")

    async def queues() -> None:
        if missing := await parts.bus.check(parts.topology):
            raise Unavailable("topology", "; ".join(missing[:3]))

    found: dict[str, Check] = {"broker": broker, "queues": queues}
    if parts.database is not None:
        found["database"] = parts.database.ping
    if parts.settings.cache:
        found["cache"] = parts.cache.ping
    return found
