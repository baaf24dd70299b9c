"""Whose turn is it? Links locked, what waits behind their gaps read, and decided what may be applied now."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from stationmaster.contracts.envelope import LINK, LINK_CLOSED
from stationmaster.infra.db.database import UnitOfWork
from stationmaster.worker import marks
from stationmaster.worker.batch import Broken, Frame, Link, frame_of
from stationmaster.worker.marks import LinkState, Parked
from stationmaster.worker.rules import order
from stationmaster.worker.rules.order import Decision, Gap

Place = tuple[str, int, int]


@dataclass(slots=True)
class Turn:
    """One link's part in the batch. ``waiting`` is what was read of its parked frames; None: not read."""

    state: LinkState
    incoming: dict[int, Frame]
    waiting: list[Parked] | None
    decision: Decision
    is_read_in_full: bool = True
    gone_over: Gap | None = None

    def to_apply(self) -> list[Frame]:
        """Frames in the order of their application; what came again while it was parked is taken from
        there.
        """
        parked = {p.seq: p.body for p in self.waiting or ()}
        return [self.incoming.get(seq) or _unparked(parked[seq]) for seq in self.decision.apply]

    def to_park(self) -> list[Frame]:
        return [self.incoming[seq] for seq in self.decision.park]

    def skipped(self) -> list[Frame]:
        return [self.incoming[seq] for seq in self.decision.skip]

    def left(self) -> list[Frame]:
        """Came just now, could be applied, and is over the limit."""
        return [self.incoming[seq] for seq in self.decision.left if seq in self.incoming]

    @property
    def has_more(self) -> bool:
        """Could another unit of work apply more of what is parked here, though nothing new comes?"""
        if self.decision.left:
            return any(seq not in self.incoming for seq in self.decision.left)
        read = self.waiting or ()
        return not self.is_read_in_full and (not read or self.decision.mark.last_seq >= read[-1].seq)

    def is_late(self, seq: int) -> bool:
        """Fills a gap that was gone over, or comes after frames of a newer link."""
        return seq in self.decision.late or self.state.epoch < self.state.newest_epoch

    def state_after(self, now: datetime) -> LinkState:
        """The mark row to write; the same value when nothing changed."""
        moved = self.decision.mark.last_seq != self.state.mark.last_seq
        new = len(self.decision.park)
        parked, since = self.state.parked + new, self.state.gap_since
        if self.waiting is not None and self.is_read_in_full:
            rest = [p.parked_at for p in self.waiting if p.seq > self.decision.mark.last_seq]
            parked, since = len(rest) + new, min(rest, default=None) if moved else since
        gateway = next((f.envelope.gateway_id for f in self.incoming.values()), "")
        ended = [f.at for f in self.incoming.values() if _ends_the_link(f)]
        return replace(
            self.state,
            mark=self.decision.mark,
            parked=parked,
            gap_since=(since or now) if parked else None,
            gateway_id=gateway or self.state.gateway_id,
            closed_at=self.state.closed_at or max(ended, default=None),
        )


def _ends_the_link(frame: Frame) -> bool:
    return frame.envelope.kind == LINK and frame.envelope.message_type == LINK_CLOSED


def _unparked(body: bytes) -> Frame:
    frame = frame_of(body)
    assert not isinstance(frame, Broken), "a parked frame was readable when it was parked"
    return frame


async def take(
    uow: UnitOfWork,
    frames: Sequence[Frame],
    *,
    also: Collection[Link],
    over: Mapping[Link, Gap],
    limit: int | None,
) -> list[Turn]:
    """Lock the links and decide; the turns come ascending by (station, epoch). Raises MarksMissing."""
    by_link: dict[Link, dict[int, Frame]] = {link: {} for link in (*also, *over)}
    for frame in frames:
        by_link.setdefault(frame.link, {})[frame.seq] = frame
    states = await marks.lock(uow, by_link)
    forced = {*also, *over}
    moving = [
        link
        for link, state in states.items()
        if state.parked and (link in forced or order.moves(state.mark, by_link[link]))
    ]
    waiting, stopped_at = await marks.parked(uow, moving)
    return [
        _turn(
            state,
            by_link[link],
            waiting.get(link),
            over=over.get(link),
            limit=limit,
            is_read_in_full=stopped_at is None or link < stopped_at,
        )
        for link, state in sorted(states.items())
    ]


def _turn(
    state: LinkState,
    incoming: dict[int, Frame],
    waiting: list[Parked] | None,
    *,
    over: Gap | None,
    limit: int | None,
    is_read_in_full: bool,
) -> Turn:
    mark, parked = state.mark, {p.seq for p in waiting or ()}
    gone_over = over if over is not None and order.next_gap(mark, parked | set(incoming)) == over else None
    if gone_over is not None:
        mark = order.go_over(mark, gone_over)
    decision = order.decide(mark, incoming=incoming, parked=parked, limit=limit)
    return Turn(state, incoming, waiting, decision, is_read_in_full, gone_over)
