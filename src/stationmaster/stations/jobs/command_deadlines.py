"""Commands whose deadline passed without any outcome: silence is an answer too.

The outcome goes the way every outcome goes, through the response queue, so that a session that waits for it
hears it, and behind an answer that still waits there. Said again now and then until it was heard; finishing
is once.
"""

from datetime import timedelta

from stationmaster.infra.db.database import Database
from stationmaster.kernel.clock import Clock
from stationmaster.stations import commands

EVERY_S = 20.0

GRACE = timedelta(seconds=15)
"""The gateway itself reports a time-out at the deadline; this is for the case that it cannot."""

AGAIN_EVERY = timedelta(minutes=5)
"""While nobody works on outcomes they would only pile up."""

AT_ONCE = 2_000


def is_due(late: timedelta) -> bool:
    """At first, and then in every ``AGAIN_EVERY``: once, or twice where two runs came close together."""
    return late % AGAIN_EVERY < timedelta(seconds=1.5 * EVERY_S)


async def run(*, database: Database, clock: Clock) -> None:
    now = clock.now()
    async with database.transaction() as uow:
        for asked in await commands.overdue(uow, before=now - GRACE, limit=AT_ONCE):
            if is_due(now - GRACE - asked.deadline_at):
                uow.send(
                    commands.outcome_message(
                        asked, state="timed_out", error="no outcome before the deadline", now=now
                    )
                )
