"""Accepted, and never plugged in: end the waiting and give the money back."""

from stationmaster.charging import starts, store
from stationmaster.charging.jobs import _each
from stationmaster.infra.db.database import Database, UnitOfWork
from stationmaster.infra.runtime import Runtime
from stationmaster.kernel.clock import Clock
from stationmaster.kernel.ids import IdSource

EVERY_S = 10.0
AT_ONCE = 200


async def run(*, database: Database, clock: Clock, ids: IdSource, runtime: Runtime) -> None:
    """A unit of work per session: one that cannot be settled delays nobody else's money."""
    now = clock.now()
    async with database.reading() as reader:
        overdue = await store.past_start_deadline(reader, now=now, limit=AT_ONCE)

    async def expire(uow: UnitOfWork, session_id: str) -> None:
        await starts.expire(uow, session_id=session_id, now=now, ids=ids)

    await _each.session(database, runtime, overdue, expire)
