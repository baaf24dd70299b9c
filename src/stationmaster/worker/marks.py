"""How far was each link applied, and what waits behind a gap? The SQL of marks and parked frames.

Lock in one statement, load in the next, always ascending by (station, epoch): performance 9 tells what
happens otherwise."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Select, Table, and_, delete, func, select, update

from stationmaster.infra.db.among import among
from stationmaster.infra.db.database import Database, UnitOfWork
from stationmaster.infra.db.tables import link_mark, parked_frame, set_aside_frame
from stationmaster.worker.batch import Frame, Link
from stationmaster.worker.rules.order import Gap, Mark

UNPARK_MAX = 2_000
"""Parked frames read by one unit of work; what is beyond comes with the next."""


@dataclass(slots=True)
class LinkState:
    """A link's mark row, locked. ``newest_epoch`` is the newest link of the station of which a frame was
    applied.
    """

    station_id: str
    epoch: int
    mark: Mark
    parked: int
    gateway_id: str
    created_at: datetime
    closed_at: datetime | None
    gap_since: datetime | None
    newest_epoch: int

    @property
    def link(self) -> Link:
        return self.station_id, self.epoch


@dataclass(frozen=True, slots=True)
class Parked:
    seq: int
    body: bytes
    parked_at: datetime


class MarksMissing(Exception):
    """Links that nobody heard of yet: their rows are made outside the unit of work, where no lock is held."""

    def __init__(self, links: Collection[Link]):
        super().__init__(f"{len(links)} links without a mark")
        self.links = links


def of(table: Table, links: Collection[Link]) -> ColumnElement[bool]:
    """Rows of these links, and perhaps of some more: epochs are practically unique, so hardly ever."""
    stations, epochs = {link[0] for link in links}, {link[1] for link in links}
    return and_(among(table.c.station_id, stations), among(table.c.epoch, epochs))


def _locking(links: Collection[Link]) -> Select[Any]:
    newer = link_mark.alias("newer")
    newest = (
        select(func.max(newer.c.epoch))
        .where(newer.c.station_id == link_mark.c.station_id, newer.c.last_seq > 0)
        .scalar_subquery()
    )
    columns: list[Any] = [link_mark, func.coalesce(newest, 0).label("newest_epoch")]
    return select(*columns).where(of(link_mark, links)).order_by(link_mark.c.station_id, link_mark.c.epoch)


async def lock(uow: UnitOfWork, links: Collection[Link]) -> dict[Link, LinkState]:
    """Lock these links until the commit. Raises MarksMissing.

    The turn is the station's and not the link's: a stop on the new link and its start on the old one, in the
    hands of two workers, would both miss what the other is about to commit.
    """
    if not links:
        return {}
    await uow.take_turns({f"station:{station_id}" for station_id, _ in links})
    rows = await uow.execute(uow.locked(_locking(links)))
    found = {(row.station_id, row.epoch): _state(row) for row in rows}
    missing = [link for link in links if link not in found]
    if missing:
        raise MarksMissing(missing)
    return {link: state for link, state in found.items() if link in links}


def _state(row: Any) -> LinkState:
    gaps = tuple(msgspec.json.decode(row.kept_gaps, type=list[Gap])) if row.kept_gaps != "[]" else ()
    return LinkState(
        row.station_id, row.epoch, Mark(row.last_seq, gaps), row.parked, row.gateway_id, row.created_at,
        row.closed_at, row.gap_since, row.newest_epoch,
    )  # fmt: skip


async def make(database: Database, links: Collection[Link], *, now: datetime) -> None:
    """Rows for new links, in a unit of work of their own."""
    rows = [{"station_id": station, "epoch": epoch, "created_at": now} for station, epoch in sorted(links)]
    async with database.transaction() as uow:
        await uow.bulk_insert(link_mark, rows, ignore_conflicts=True)


async def save(uow: UnitOfWork, states: Sequence[LinkState]) -> None:
    """Write changed marks back."""
    rows = [
        {
            "station_id": state.station_id,
            "epoch": state.epoch,
            "last_seq": state.mark.last_seq,
            "parked": state.parked,
            "gateway_id": state.gateway_id,
            "closed_at": state.closed_at,
            "gap_since": state.gap_since,
            "kept_gaps": msgspec.json.encode(state.mark.kept_gaps).decode(),
        }
        for state in states
    ]
    if rows:
        await uow.bulk_update(link_mark, rows, key=("station_id", "epoch"))


async def park(uow: UnitOfWork, frames: Sequence[Frame], *, now: datetime) -> None:
    """Keep frames that follow a gap; one that is kept already stays as it is."""
    rows = [
        {"station_id": f.link[0], "epoch": f.link[1], "seq": f.seq, "envelope": f.body, "parked_at": now}
        for f in frames
    ]
    if rows:
        await uow.bulk_insert(parked_frame, rows, ignore_conflicts=True)


async def parked(uow: UnitOfWork, links: Collection[Link]) -> tuple[dict[Link, list[Parked]], Link | None]:
    """What waits in these links, ascending, at most UNPARK_MAX; the link where reading stopped, if it did."""
    if not links:
        return {}, None
    t = parked_frame.c
    statement = select(t.station_id, t.epoch, t.seq, t.envelope, t.parked_at).where(of(parked_frame, links))
    rows = (await uow.execute(statement.order_by(t.station_id, t.epoch, t.seq).limit(UNPARK_MAX))).all()
    found: dict[Link, list[Parked]] = {link: [] for link in links}
    for row in rows:
        if (row.station_id, row.epoch) in found:
            found[row.station_id, row.epoch].append(Parked(row.seq, row.envelope, row.parked_at))
    return found, (rows[-1].station_id, rows[-1].epoch) if len(rows) == UNPARK_MAX else None


async def forget_parked(uow: UnitOfWork, links: Collection[Link]) -> None:
    """Delete what the marks (saved before) have passed."""
    if not links:
        return
    reached = (
        select(link_mark.c.last_seq)
        .where(link_mark.c.station_id == parked_frame.c.station_id, link_mark.c.epoch == parked_frame.c.epoch)
        .scalar_subquery()
    )
    await uow.execute(delete(parked_frame).where(of(parked_frame, links), parked_frame.c.seq <= reached))


async def set_aside(uow: UnitOfWork, frames: Mapping[Frame, str], *, now: datetime) -> None:
    """Keep frames that could not be applied, with the reason, for a person."""
    rows = [
        {"station_id": f.link[0], "epoch": f.link[1], "seq": f.seq, "reason": reason, "envelope": f.body,
         "created_at": now}
        for f, reason in frames.items()
    ]  # fmt: skip
    if rows:
        await uow.bulk_insert(set_aside_frame, rows)


async def waiting_for_a_person(uow: UnitOfWork, frames: Sequence[Frame]) -> set[tuple[str, int, int]]:
    """Which of these replayed frames are still set aside; they are resolved by being applied now."""
    if not frames:
        return set()
    t = set_aside_frame.c
    rows = await uow.execute(
        select(t.station_id, t.epoch, t.seq).where(
            of(set_aside_frame, [f.link for f in frames]),
            among(t.seq, {f.seq for f in frames}),
            t.resolved_at.is_(None),
        )
    )
    return {(row.station_id, row.epoch, row.seq) for row in rows} & {f.place for f in frames}


async def resolve(uow: UnitOfWork, frames: Sequence[Frame], *, now: datetime) -> None:
    """These replayed frames were applied after all."""
    for frame in frames:
        t = set_aside_frame.c
        here = and_(t.station_id == frame.link[0], t.epoch == frame.link[1], t.seq == frame.seq)
        await uow.execute(
            update(set_aside_frame)
            .where(here, t.resolved_at.is_(None))
            .values(resolved_at=now, resolution="replayed")
        )
