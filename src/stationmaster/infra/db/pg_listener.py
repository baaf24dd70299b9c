"""How does the relay hear of a commit in another process? LISTEN on a connection of its own, made again
when lost."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

import asyncpg
import structlog

from stationmaster.infra.runtime import Runtime

log = structlog.get_logger()

Connection: TypeAlias = "asyncpg.Connection[Any]"
CHANNEL = "stationmaster_outbox"
RECONNECT_AFTER_S = 1.0
CHECK_EVERY_S = 10.0  # A half-open connection is found by this; until then the relay's own poll serves.
CHECK_WITHIN_S = 5.0


class Listener:
    """Calls ``wake`` at every notification, and once at every new connection (something may have been
    missed)."""

    def __init__(
        self, connect: Callable[[], Awaitable[Connection]], wake: Callable[[], None], runtime: Runtime
    ):
        self._connect = connect
        self._wake = wake
        self._runtime = runtime
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        if self._task is None or self._task.done():
            self._task = self._runtime.spawn(self._run(), name="database.listener")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            try:
                await self._listen()
            except Exception as error:  # noqa: BLE001 - the loop must outlive any trouble; the poll goes on meanwhile
                log.warning("database.listener_lost", error=str(error))
            await self._runtime.sleep(RECONNECT_AFTER_S)

    async def _listen(self) -> None:
        """Returns when the connection is gone."""
        connection = await self._connect()
        ended = asyncio.Event()
        connection.add_termination_listener(lambda _: ended.set())
        try:
            await connection.add_listener(CHANNEL, lambda *_: self._wake())
            self._wake()
            while not ended.is_set():
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(ended.wait(), CHECK_EVERY_S)
                    return
                await connection.execute("SELECT 1", timeout=CHECK_WITHIN_S)
        finally:
            connection.terminate()
