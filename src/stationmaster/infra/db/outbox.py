"""How does what a commit said reach the bus? One relay per installation publishes the outbox in id order
and deletes what was confirmed. At least once: a message keeps its id, consumers know it again."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
import structlog
from sqlalchemy import Row, delete, select
from sqlalchemy.sql import func

from stationmaster.infra.bus.port import Bus, Message, Unroutable
from stationmaster.infra.db.among import among
from stationmaster.infra.db.database import Database, Reader
from stationmaster.infra.db.tables import outbox
from stationmaster.infra.runtime import Runtime
from stationmaster.kernel.errors import StationmasterError

log = structlog.get_logger()

LEADERSHIP = "outbox"
BATCH = 500
POLL_S = 0.5  # What a missed wake-up costs.
FOLLOWER_POLL_S = 1.0
TROUBLE_PAUSE_S = 1.0
RETRY_FIRST_S = 1.0
RETRY_MAX_S = 30.0

_page = select(outbox).order_by(outbox.c.id).limit(BATCH)
_backlog = select(func.count().label("waiting"), func.min(outbox.c.created_at).label("oldest")).select_from(
    outbox
)


class OutboxRelay:
    """``run`` for as long as the process lives; it leads when nobody else does."""

    def __init__(self, database: Database, bus: Bus, runtime: Runtime):
        self._database = database
        self._bus = bus
        self._runtime = runtime
        self._woken = asyncio.Event()
        self._waiting: dict[str, tuple[int, float]] = {}  # message id -> failures, not before (monotonic)
        database.on_commit(self._woken.set)

    async def run(self) -> None:
        """Never ends by itself and never dies of trouble."""
        while True:
            try:
                async with self._database.leader(LEADERSHIP) as mine:
                    if mine:
                        log.info("outbox.leading")
                        await self._lead()
                pause = FOLLOWER_POLL_S
            except StationmasterError as error:
                log.warning("outbox.interrupted", error=str(error))
                pause = TROUBLE_PAUSE_S
            except Exception:
                log.exception("outbox.failed")
                pause = TROUBLE_PAUSE_S
            await self._runtime.sleep(pause)

    async def drain(self) -> int:
        """One pass over everything there is; how many were published."""
        published, after = 0, 0
        while self._bus.ready:
            async with self._database.reading() as reader:
                rows = (await reader.execute(_page.where(outbox.c.id > after))).all()
            if rows:
                published += await self._publish_page([row for row in rows if self._is_due(row.message_id)])
                after = rows[-1].id
            if len(rows) < BATCH:
                break
        return published

    async def _lead(self) -> None:
        self._waiting.clear()
        while True:
            self._woken.clear()
            if not await self.drain():
                await self._nap()

    async def _nap(self) -> None:
        try:
            async with asyncio.timeout(POLL_S):
                await self._woken.wait()
        except TimeoutError:
            pass

    async def _publish_page(self, rows: Sequence[Row[Any]]) -> int:
        now = self._runtime.clock.now()
        outcomes = await asyncio.gather(
            *(self._bus.publish(message_of(row, now)) for row in rows), return_exceptions=True
        )
        confirmed = []
        for row, outcome in zip(rows, outcomes, strict=True):
            if outcome is None:
                self._waiting.pop(row.message_id, None)
                confirmed.append(row.id)
            elif isinstance(outcome, Exception):
                self._keep(row, outcome)
            else:
                raise outcome
        if confirmed:
            async with self._database.transaction() as uow:
                await uow.execute(delete(outbox).where(among(outbox.c.id, confirmed)))
        return len(confirmed)

    def _is_due(self, message_id: str) -> bool:
        _, not_before = self._waiting.get(message_id, (0, 0.0))
        return not_before <= self._runtime.clock.monotonic()

    def _keep(self, row: Row[Any], error: Exception) -> None:
        """It stays in the outbox and is tried again, more and more rarely. Nothing is ever given up here."""
        failures = self._waiting.get(row.message_id, (0, 0.0))[0] + 1
        pause = min(RETRY_FIRST_S * 2 ** min(failures - 1, 10), RETRY_MAX_S)
        self._waiting[row.message_id] = (failures, self._runtime.clock.monotonic() + pause)
        say = (
            log.error
            if isinstance(error, Unroutable) or not isinstance(error, StationmasterError)
            else log.warning
        )
        say(
            "outbox.not_published",
            message_id=row.message_id,
            exchange=row.exchange,
            routing_key=row.routing_key,
            failures=failures,
            error=str(error),
        )


def message_of(row: Row[Any], now: datetime) -> Message:
    """An expiry that has passed is not passed on: the consumer checks deadlines and says so, where a broker
    would drop in silence. What many may hear travels together; what is meant for one queue, alone."""
    left = None if row.expires_at is None else (row.expires_at - now).total_seconds()
    return Message(
        row.exchange,
        row.routing_key,
        row.body,
        row.message_id,
        priority=row.priority,
        group="outbox" if row.exchange else None,
        expires_in_s=left if left is not None and left > 0 else None,
        headers={} if row.headers == "{}" else msgspec.json.decode(row.headers, type=dict[str, str]),
    )


async def backlog(reader: Reader) -> tuple[int, datetime | None]:
    """How many messages wait, and since when the oldest: for health and metrics."""
    row = (await reader.execute(_backlog)).one()
    return row.waiting, row.oldest
