"""Asked to stop, and still charging: ask again, and in the end tell a person."""

from datetime import timedelta

from stationmaster.charging import stops, store
from stationmaster.charging.jobs import _each
from stationmaster.charging.model import DEFAULT_POLICY, ChargingPolicy
from stationmaster.infra.db.database import Database, UnitOfWork
from stationmaster.infra.runtime import Runtime
from stationmaster.kernel.clock import Clock
from stationmaster.kernel.ids import IdSource

EVERY_S = 10.0
AT_ONCE = 200


async def run(
    *,
    database: Database,
    clock: Clock,
    ids: IdSource,
    runtime: Runtime,
    policy: ChargingPolicy = DEFAULT_POLICY,
) -> None:
    """A unit of work per session: one that cannot be asked keeps nobody else charging."""
    now = clock.now()
    due = now - timedelta(seconds=policy.stop_resend_s)
    async with database.reading() as reader:
        unanswered = await store.unanswered_stops(
            reader, asked_before=due, attempts_max=policy.stop_attempts_max, limit=AT_ONCE
        )

    async def ask_again(uow: UnitOfWork, session_id: str) -> None:
        await stops.ask_again(uow, session_id=session_id, now=now, ids=ids, policy=policy)

    await _each.session(database, runtime, unanswered, ask_again)
