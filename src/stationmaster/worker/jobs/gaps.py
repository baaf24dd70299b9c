"""Which links have waited long enough for missing frames? They go on, and the gap stays on record."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import func, select

from stationmaster.contracts import presence
from stationmaster.infra.cache.port import Cache
from stationmaster.infra.db.database import Database, Reader
from stationmaster.infra.db.tables import link_mark, parked_frame
from stationmaster.kernel.clock import Clock
from stationmaster.kernel.errors import Unavailable
from stationmaster.worker import marks
from stationmaster.worker.batch import Link
from stationmaster.worker.frames import FrameWorker
from stationmaster.worker.rules import order, patience
from stationmaster.worker.rules.order import Gap, Mark

EVERY_S = 10.0
LINKS_MAX = 500
ROUNDS_MAX = 100
"""Gaps of one link that are gone over in one run."""

log = structlog.get_logger()


async def run(*, database: Database, cache: Cache, clock: Clock, frame_worker: FrameWorker) -> None:
    """One gap per link and round, until none is due."""
    for _ in range(ROUNDS_MAX):
        async with database.reading() as reader:
            due = await _due_links(reader, cache, now=clock.now())
            gaps = await _next_gaps(reader, due)
        if not due:
            return
        for link, (first, last) in gaps.items():
            log.warning("gap.gone_over", station=link[0], epoch=link[1], first_seq=first, last_seq=last)
        await frame_worker.go_over(gaps)
        await frame_worker.catch_up(due.keys() - gaps.keys())


async def _due_links(reader: Reader, cache: Cache, *, now: datetime) -> dict[Link, Mark]:
    """Links with a gap that is not waited for any longer."""
    newer = link_mark.alias("newer")
    newer_link_at = (
        select(func.min(newer.c.created_at))
        .where(newer.c.station_id == link_mark.c.station_id, newer.c.epoch > link_mark.c.epoch)
        .scalar_subquery()
    )
    columns: list[Any] = [link_mark, newer_link_at.label("newer_link_at")]
    oldest_first = select(*columns).where(link_mark.c.gap_since <= now - patience.AFTER_THE_END)
    found = await reader.execute(oldest_first.order_by(link_mark.c.gap_since).limit(LINKS_MAX))
    rows = found.all()
    claimed = await _claimed(cache, [row.station_id for row in rows])
    return {(row.station_id, row.epoch): Mark(row.last_seq) for row in rows if _is_due(row, claimed, now)}


def _is_due(row: Any, claimed: Collection[Link] | None, now: datetime) -> bool:
    is_gone = claimed is not None and (row.station_id, row.epoch) not in claimed
    ended_at = patience.ended(
        closed_at=row.closed_at,
        newer_link_at=row.newer_link_at,
        vanished_at=row.gap_since if is_gone else None,
    )
    return patience.waits_until(gap_since=row.gap_since, ended_at=ended_at) <= now


async def _claimed(cache: Cache, stations: list[str]) -> set[Link] | None:
    """Links that a gateway says it has; None when nobody can tell."""
    try:
        texts = await cache.get_many([presence.key_of(station) for station in stations])
    except Unavailable:
        return None
    places = {station: presence.read(texts.get(presence.key_of(station))) for station in stations}
    if any(place is None and presence.key_of(station) in texts for station, place in places.items()):
        return None
    return {(station, place.epoch) for station, place in places.items() if place is not None}


async def _next_gaps(reader: Reader, links: dict[Link, Mark]) -> dict[Link, Gap]:
    firsts = await _first_parked(reader, links.keys())
    found = {link: order.next_gap(mark, {firsts[link]}) for link, mark in links.items() if link in firsts}
    return {link: gap for link, gap in found.items() if gap is not None}


async def _first_parked(reader: Reader, links: Collection[Link]) -> dict[Link, int]:
    if not links:
        return {}
    t = parked_frame.c
    rows = await reader.execute(
        select(t.station_id, t.epoch, func.min(t.seq).label("first"))
        .where(marks.of(parked_frame, links))
        .group_by(t.station_id, t.epoch)
    )
    return {(row.station_id, row.epoch): row.first for row in rows.all()}
