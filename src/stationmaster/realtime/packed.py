"""How do events reach the API processes that hold the browsers? Those of one moment in one message.

The library's manager publishes each event by itself and waits for the broker every time; between processes
that costs more than everything else that is done for the event.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, Final

import msgspec
import socketio
import structlog

from stationmaster.infra.runtime import Runtime

log = structlog.get_logger()

WAITING_MAX: Final = 1_000
"""Then whoever emits waits too."""


class PackedManager(socketio.AsyncAioPikaManager):  # type: ignore[misc]
    """Everything that is emitted while one message is under way leaves with the next, in order."""

    def __init__(self, url: str, runtime: Runtime, *, channel: str, write_only: bool):
        super().__init__(url, channel=channel, write_only=write_only)
        self._runtime = runtime
        self._waiting: list[dict[str, Any]] = []
        self._sending: asyncio.Task[None] | None = None

    async def _publish(self, data: dict[str, Any]) -> None:
        self._waiting.append(data)
        if self._sending is None or self._sending.done():
            self._sending = self._runtime.spawn(self._send(), name="browsers:send")
        if len(self._waiting) >= WAITING_MAX:
            await asyncio.shield(self._sending)

    async def _send(self) -> None:
        while self._waiting:
            together, self._waiting = self._waiting, []
            await super()._publish(together)

    async def _listen(self) -> AsyncIterator[dict[str, Any]]:
        async for body in super()._listen():
            for one in _unpacked(body):
                yield one


def _unpacked(body: bytes) -> list[dict[str, Any]]:
    try:
        return msgspec.json.decode(body, type=list[dict[str, Any]])
    except msgspec.MsgspecError as error:
        log.warning("browsers.unreadable", error=str(error))
        return []
