"""Which frames of a link are applied, parked, skipped, in which order."""

from itertools import permutations, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stationmaster.worker.rules import order
from stationmaster.worker.rules.order import Decision, Mark


def test_the_next_frames_are_applied_in_order() -> None:
    assert order.decide(Mark(3), incoming=[5, 4]) == Decision(Mark(5), apply=(4, 5))


def test_what_was_applied_is_skipped() -> None:
    assert order.decide(Mark(3), incoming=[2, 3, 4]) == Decision(Mark(4), apply=(4,), skip=(2, 3))


def test_what_follows_a_gap_is_parked() -> None:
    assert order.decide(Mark(3), incoming=[4, 6, 7]) == Decision(Mark(4), apply=(4,), park=(6, 7))


def test_the_filler_takes_along_what_was_parked_up_to_the_next_gap() -> None:
    decision = order.decide(Mark(3), incoming=[4], parked={5, 6, 8})
    assert decision == Decision(Mark(6), apply=(4, 5, 6))


def test_a_parked_frame_that_comes_again_is_not_parked_twice() -> None:
    assert order.decide(Mark(3), incoming=[6], parked={6}) == Decision(Mark(3))


def test_fillers_of_a_kept_gap_are_applied_once_late_and_before_the_run() -> None:
    mark = Mark(9, ((3, 5),))
    first = order.decide(mark, incoming=[10, 4])
    assert first == Decision(Mark(10, ((3, 3), (5, 5))), apply=(4, 10), late=frozenset({4}))
    assert order.decide(first.mark, incoming=[4]) == Decision(first.mark, skip=(4,))


def test_the_limit_leaves_the_rest_for_later() -> None:
    decision = order.decide(Mark(0), incoming=[1, 2], parked={3}, limit=1)
    assert decision == Decision(Mark(1), apply=(1,), left=(2, 3))


def test_a_gap_is_what_lies_between_the_mark_and_the_first_parked_frame() -> None:
    assert order.next_gap(Mark(3), {7, 9}) == (4, 6)
    assert order.next_gap(Mark(3), {4, 9}) is None
    assert order.next_gap(Mark(3), set()) is None


def test_going_over_a_gap_keeps_it_on_record() -> None:
    mark = order.go_over(Mark(3), (4, 6))
    assert mark == Mark(6, ((4, 6),))
    assert not mark.is_applied(5)
    assert order.decide(mark, incoming=[], parked={7}).apply == (7,)


def test_only_the_gap_that_follows_the_mark_can_be_gone_over() -> None:
    with pytest.raises(AssertionError):
        order.go_over(Mark(3), (5, 6))


def _deliver(batches: list[list[int]], over_after: int | None = None) -> tuple[list[int], Mark, set[int]]:
    """A link's whole life, parked frames kept as the database would: applied seqs, mark, what is still
    parked.
    """
    mark, parked, applied = Mark(), set[int](), list[int]()
    for number, batch in enumerate(batches):
        gap = order.next_gap(mark, parked)
        if over_after == number and gap is not None:
            mark = order.go_over(mark, gap)
        decision = order.decide(mark, incoming=batch, parked=parked)
        assert not set(decision.apply) & set(decision.park)
        assert set(decision.apply) | set(decision.park) | set(decision.skip) | parked >= set(batch)
        applied += decision.apply
        parked = (parked | set(decision.park)) - set(decision.apply)
        mark = decision.mark
        assert not any(mark.is_applied(seq) for seq in parked)
    return applied, mark, parked


def test_every_order_and_packing_of_four_frames_gives_the_same() -> None:
    """Exhaustive: each permutation, each way of cutting it into batches, each frame twice or once."""
    for frames in permutations([1, 2, 3, 4]):
        for cuts in product([False, True], repeat=3):
            for twice in (None, *frames):
                batches: list[list[int]] = [[frames[0]]]
                for cut, seq in zip(cuts, frames[1:], strict=True):
                    batches += [[seq]] if cut else []
                    if not cut:
                        batches[-1].append(seq)
                batches += [] if twice is None else [[twice]]
                applied, mark, parked = _deliver(batches)
                assert (applied, mark, parked) == ([1, 2, 3, 4], Mark(4), set())


@given(
    batches=st.lists(st.lists(st.integers(1, 12), max_size=6), max_size=12),
    over_after=st.none() | st.integers(0, 11),
)
def test_whatever_comes_each_frame_is_applied_once_and_nothing_applied_is_forgotten(
    batches: list[list[int]], over_after: int | None
) -> None:
    applied, mark, parked = _deliver([*batches, list(range(1, 13))], over_after)
    assert sorted(applied) == list(range(1, 13))
    assert (mark, parked) == (Mark(12), set())
    if over_after is None:
        assert applied == sorted(applied)


@given(
    last=st.integers(0, 20),
    incoming=st.sets(st.integers(1, 30)),
    parked=st.sets(st.integers(1, 30)),
    limit=st.none() | st.integers(0, 5),
)
def test_a_decision_accounts_for_every_frame(
    last: int, incoming: set[int], parked: set[int], limit: int | None
) -> None:
    parked = {seq for seq in parked if seq > last}
    decision = order.decide(Mark(last), incoming=incoming, parked=parked, limit=limit)
    kinds = [decision.apply, decision.left, decision.park, decision.skip]
    named = [seq for kind in kinds for seq in kind]
    assert len(named) == len(set(named))
    assert incoming - parked <= set(named) <= incoming | parked
    assert decision.mark.last_seq == last + len(decision.apply)
    assert limit is None or len(decision.apply) <= limit
