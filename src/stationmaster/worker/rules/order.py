"""Which frames of a link may be applied now, in which order, and how far is the link then? (architecture 3.3)

Applied means: seq <= mark and not in a kept gap. What follows a gap waits (parked) until the gap is
filled, or until somebody decides to go on and keeps the gap on record; its fillers are then applied once,
late.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

Gap = tuple[int, int]
"""First and last missing seq, both inclusive."""


@dataclass(frozen=True, slots=True)
class Mark:
    """How far a link was applied."""

    last_seq: int = 0
    kept_gaps: tuple[Gap, ...] = ()

    def is_applied(self, seq: int) -> bool:
        return seq <= self.last_seq and not self.is_kept(seq)

    def is_kept(self, seq: int) -> bool:
        """Does it belong to a gap that was gone over?"""
        return any(first <= seq <= last for first, last in self.kept_gaps)


@dataclass(frozen=True, slots=True)
class Decision:
    """``apply`` in this order: first the fillers of kept gaps (``late``), then the run from the mark on.

    ``left`` could be applied but is more than the caller wanted now. ``mark`` is the mark after ``apply``.
    """

    mark: Mark
    apply: tuple[int, ...] = ()
    late: frozenset[int] = frozenset()
    park: tuple[int, ...] = ()
    skip: tuple[int, ...] = ()
    left: tuple[int, ...] = ()


def moves(mark: Mark, incoming: Collection[int]) -> bool:
    """Will the mark go forward? Only then is it worth reading what is parked."""
    return mark.last_seq + 1 in incoming


def decide(
    mark: Mark, *, incoming: Iterable[int], parked: Collection[int] = (), limit: int | None = None
) -> Decision:
    """``parked`` are seqs that are stored already; ``limit`` bounds how many frames are applied."""
    new = sorted(set(incoming))
    fillers = [seq for seq in new if mark.is_kept(seq)]
    skip = tuple(seq for seq in new if mark.is_applied(seq))
    ahead = {seq for seq in new if seq > mark.last_seq}
    run = _run(mark.last_seq, ahead | set(parked))
    order = fillers + run
    apply = order if limit is None else order[:limit]
    left = order[len(apply) :]
    taken = set(apply)
    after = mark
    for seq in apply:
        after = applied(after, seq)
    return Decision(
        mark=after,
        apply=tuple(apply),
        late=frozenset(fillers) & taken,
        park=tuple(seq for seq in sorted(ahead) if seq not in parked and seq not in set(run)),
        skip=skip,
        left=tuple(left),
    )


def _run(last_seq: int, have: Collection[int]) -> list[int]:
    """What follows the mark without a gap."""
    run: list[int] = []
    while last_seq + 1 in have:
        last_seq += 1
        run.append(last_seq)
    return run


def applied(mark: Mark, seq: int) -> Mark:
    """The mark after this frame, which is either the next one or fills a kept gap."""
    if seq == mark.last_seq + 1:
        return Mark(seq, mark.kept_gaps)
    assert mark.is_kept(seq), f"seq {seq} is neither next nor missing at {mark}"
    return Mark(mark.last_seq, _without(mark.kept_gaps, seq))


def _without(gaps: tuple[Gap, ...], seq: int) -> tuple[Gap, ...]:
    kept: list[Gap] = []
    for first, last in gaps:
        if not first <= seq <= last:
            kept.append((first, last))
            continue
        kept.extend(part for part in ((first, seq - 1), (seq + 1, last)) if part[0] <= part[1])
    return tuple(kept)


def next_gap(mark: Mark, parked: Collection[int]) -> Gap | None:
    """What is missing between the mark and the first parked frame."""
    ahead = [seq for seq in parked if seq > mark.last_seq]
    if not ahead or min(ahead) == mark.last_seq + 1:
        return None
    return mark.last_seq + 1, min(ahead) - 1


def go_over(mark: Mark, gap: Gap) -> Mark:
    """Stop waiting for the gap, and keep it on record so that its fillers are still applied once."""
    assert gap[0] == mark.last_seq + 1 <= gap[1], f"{gap} does not follow {mark}"
    return Mark(gap[1], (*mark.kept_gaps, gap))
