"""Commands whose deadline passed without any outcome: silence is an answer too.

The outcome goes the way every outcome goes, through the response queue, so that a session that waits for it
hears it. Said again until it was heard; finishing is once.
"""

from datetime import timedelta

from stationmaster.infra.db.database import Database
from stationmaster.kernel.clock import Clock
from stationmaster.stations import commands

EVERY_S = 20.0

GRACE = timedelta(seconds=15)
"""The gateway itself reports a time-out at the deadline; this is for the case that it cannot."""

AT_ONCE = 200


async def run(*, database: Database, clock: Clock) -> None:
    now = clock.now()
    async with database.transaction() as uow:
        for asked in await commands.overdue(uow, before=now - GRACE, limit=AT_ONCE):
            uow.send(
                commands.outcome_message(
                    asked, state="timed_out", error="no outcome before the deadline", now=now
                )
            )
