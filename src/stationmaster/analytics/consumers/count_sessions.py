"""Facts about sessions become hourly sums, once per session."""

from stationmaster.analytics import session_hours
from stationmaster.contracts.facts import Fact
from stationmaster.contracts.topology import Names
from stationmaster.infra.db.database import UnitOfWork
from stationmaster.kernel.clock import Clock

BATCH_MAX = 200
LINGER_S = 1.0
"""Nobody waits for a chart."""


def queues(names: Names) -> tuple[str, ...]:
    return (names.analytics,)


async def consume_many(items: list[Fact], *, uow: UnitOfWork, clock: Clock) -> None:
    """Any fact may be the one that says that a session is over; the session's row is what is counted."""
    if session_ids := {item.session_id for item in items if item.session_id is not None}:
        await session_hours.count(uow, session_ids, now=clock.now())
