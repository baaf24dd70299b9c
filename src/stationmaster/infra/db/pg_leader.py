"""Who is the one that does a thing? Holder of a session-level advisory lock on a connection of its own.

All names of a process share that connection: when it is lost, the database has let go of the locks, so
every tenure ends: the task inside is cancelled and its context raises Unavailable. Between the loss and our
noticing it two may believe; what a leader does must bear that (the relay publishes with stable ids, jobs
lock rows).
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

import asyncpg
import structlog

from stationmaster.infra.db.pg_errors import is_away
from stationmaster.infra.runtime import Runtime
from stationmaster.kernel.errors import Unavailable

log = structlog.get_logger()

Connection: TypeAlias = "asyncpg.Connection[Any]"
PING_EVERY_S = 3.0  # A half-open connection shows within this and PING_WITHIN_S.
PING_WITHIN_S = 3.0


def lock_key(name: str) -> int:
    """The advisory lock's 64-bit number."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big", signed=True)


class Leadership:
    """The advisory locks of this process."""

    def __init__(self, connect: Callable[[], Awaitable[Connection]], runtime: Runtime):
        self._connect = connect
        self._runtime = runtime
        self._connection: Connection | None = None
        self._asking = asyncio.Lock()
        self._tenures: dict[str, asyncio.Task[Any]] = {}
        self._lost: set[str] = set()
        self._ping: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def tenure(self, name: str) -> AsyncIterator[bool]:
        """See the port."""
        task = asyncio.current_task()
        assert task is not None
        if not await self._take(name, task):
            yield False
            return
        try:
            yield True
            if name in self._lost:
                await asyncio.sleep(0)  # The cancellation is on its way: it must strike here and not later.
        except asyncio.CancelledError:
            # Cancelled for the loss alone, or did others ask for it too (an outer tenure, a shutdown)?
            if name not in self._lost or task.uncancel() > 0:
                raise
            raise Unavailable("leadership_lost", f"Leadership of {name} ended with its connection.") from None
        finally:
            await self._give_back(name)

    async def stop(self) -> None:
        if self._ping is not None:
            self._ping.cancel()
        if self._connection is not None:
            self._connection.remove_termination_listener(self._ended)
            self._connection.terminate()
            self._connection = None

    async def _take(self, name: str, task: asyncio.Task[Any]) -> bool:
        async with self._asking:
            if name in self._tenures:
                return False
            try:
                connection = await self._connected()
                taken = bool(await connection.fetchval("SELECT pg_try_advisory_lock($1)", lock_key(name)))
            except Exception as error:
                if is_away(error):
                    raise Unavailable("database_unavailable", f"No leader can be chosen: {error}") from error
                raise
            if taken:
                self._lost.discard(name)
                self._tenures[name] = task
            return taken

    async def _give_back(self, name: str) -> None:
        self._tenures.pop(name, None)
        if name in self._lost:
            self._lost.discard(name)
            return
        async with self._asking:
            connection = self._connection
            if connection is None or connection.is_closed():
                return
            try:
                await connection.execute(
                    "SELECT pg_advisory_unlock($1)", lock_key(name), timeout=PING_WITHIN_S
                )
            except BaseException:
                # The lock must not outlive the tenure: without the connection it cannot.
                connection.terminate()
                raise

    async def _connected(self) -> Connection:
        if self._connection is None or self._connection.is_closed():
            self._connection = await self._connect()
            self._connection.add_termination_listener(self._ended)
        if self._ping is None or self._ping.done():
            self._ping = self._runtime.spawn(self._keep_pinging(), name="database.leadership")
        return self._connection

    async def _keep_pinging(self) -> None:
        while (connection := self._connection) is not None:
            await self._runtime.sleep(PING_EVERY_S)
            async with self._asking:
                if connection.is_closed():
                    return
                try:
                    await connection.execute("SELECT 1", timeout=PING_WITHIN_S)
                except Exception as error:  # noqa: BLE001 - whatever it is: do not trust it any longer
                    log.warning("database.leadership_ping_failed", error=str(error))
                    connection.terminate()

    def _ended(self, connection: object) -> None:
        if connection is not self._connection:
            return
        self._connection = None
        for name, task in list(self._tenures.items()):
            log.warning("database.leadership_lost", name=name)
            self._lost.add(name)
            task.cancel()
