"""Who tells the browsers what happened?"""

from typing import Any

from stationmaster.compose.adapters import Parts, make_browser_manager
from stationmaster.infra.bus.port import Subscription
from stationmaster.realtime.server import Emitter

EMIT_PREFETCH = 200


class NotificationRole:
    """`notifications` to browsers; with a shared manager it needs no browser of its own."""

    name = "notification-worker"
    needs_database = False

    def __init__(self) -> None:
        self._manager: Any = None
        self._subscription: Subscription | None = None

    def use(self, manager: Any) -> None:
        """The Socket.IO server's own manager, when it lives in this process."""
        self._manager = manager

    async def start(self, parts: Parts) -> None:
        manager = self._manager or make_browser_manager(parts.settings, parts.runtime, write_only=True)
        self._subscription = await parts.bus.consume(
            parts.settings.names.notifications,
            Emitter(manager).consume,
            batch_max=EMIT_PREFETCH,
            prefetch=EMIT_PREFETCH,
        )

    async def stop(self) -> None:
        if self._subscription is not None:
            await self._subscription.cancel()
