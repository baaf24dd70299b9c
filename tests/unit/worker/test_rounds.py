"""Which frames of many stations are handled in one call."""

from collections import defaultdict

from hypothesis import given
from hypothesis import strategies as st

from stationmaster.worker.rules.rounds import rounds


def _kinds(sequences: list[str]) -> list[tuple[str, str]]:
    return [(kind, "".join(group)) for kind, group in rounds(sequences, lambda frame: frame.upper())]


def test_one_kind_is_one_round_over_all_stations() -> None:
    assert _kinds(["mm", "m", "mmm"]) == [("M", "mmmmmm")]


def test_the_bigger_group_goes_first_so_that_others_can_join() -> None:
    assert _kinds(["sm", "mms", "mm"]) == [("M", "mmmm"), ("S", "ss"), ("M", "m")]


def test_nothing_gives_no_rounds() -> None:
    assert _kinds(["", ""]) == []


@given(st.lists(st.lists(st.sampled_from("abc"), max_size=8), max_size=6))
def test_each_stations_frames_stay_in_order_and_none_is_lost(kinds: list[list[str]]) -> None:
    sequences = [[(station, n, kind) for n, kind in enumerate(of)] for station, of in enumerate(kinds)]
    seen: dict[int, list[tuple[int, int, str]]] = defaultdict(list)
    for kind, group in rounds(sequences, lambda frame: frame[2]):
        assert {frame[2] for frame in group} == {kind}
        for frame in group:
            seen[frame[0]].append(frame)
    assert [seen[station] for station in range(len(sequences))] == sequences
