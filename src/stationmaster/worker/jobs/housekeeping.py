"""What of the plumbing is nobody's any more? Keys and answers that are not asked for again, marks of links
long closed.

A mark must not go too early: without it a frame of its link would be taken for a first one.
"""

from datetime import timedelta
from typing import Any

import structlog
from sqlalchemy import ColumnElement, and_, exists

from stationmaster.infra.db.database import Database
from stationmaster.infra.db.prune import ROWS_MAX, delete_some
from stationmaster.infra.db.tables import (
    idempotency_key,
    link_mark,
    parked_frame,
    set_aside_frame,
    stored_answer,
)
from stationmaster.kernel.clock import Clock

EVERY_S = 3600.0
REPEATS_KEPT = timedelta(days=7)
MARKS_KEPT = timedelta(days=30)

log = structlog.get_logger()


async def run(*, database: Database, clock: Clock, rows_max: int = ROWS_MAX) -> None:
    """A unit of work per table."""
    now = clock.now()
    old: dict[Any, ColumnElement[bool]] = {
        idempotency_key: idempotency_key.c.created_at < now - REPEATS_KEPT,
        stored_answer: stored_answer.c.created_at < now - REPEATS_KEPT,
        link_mark: and_(link_mark.c.closed_at < now - MARKS_KEPT, _is_done_with()),
    }
    gone = {}
    for table, where in old.items():
        async with database.transaction() as uow:
            gone[table.name] = await delete_some(uow, table, where, limit=rows_max)
    if any(gone.values()):
        log.info("housekeeping.done", **gone)


def _is_done_with() -> ColumnElement[bool]:
    """Nothing waits behind a gap, no gap is on record, no frame waits for a person, and frames of a newer
    link were applied: which link is a station's newest is asked of the marks.
    """
    newer = link_mark.alias("newer")
    mark = link_mark.c
    return and_(
        mark.parked == 0,
        mark.kept_gaps == "[]",
        exists().where(
            newer.c.station_id == mark.station_id, newer.c.epoch > mark.epoch, newer.c.last_seq > 0
        ),
        *(
            ~exists().where(t.c.station_id == mark.station_id, t.c.epoch == mark.epoch, *more)
            for t, more in ((parked_frame, ()), (set_aside_frame, (set_aside_frame.c.resolved_at.is_(None),)))
        ),
    )
