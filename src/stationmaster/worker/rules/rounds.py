"""Which frames of many stations can be handled in one call?

Each station's frames stay in order; across stations there is none. So the heads of all stations are
grouped by what handles them, and the group with most frames goes first: the others get the chance to grow.
"""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")
K = TypeVar("K", bound=Hashable)


def rounds(sequences: Sequence[Sequence[T]], kind: Callable[[T], K]) -> Iterator[tuple[K, list[T]]]:
    """Groups of one kind until nothing is left; a station's frames in one group keep their order."""
    at = [0] * len(sequences)
    heads: dict[K, list[int]] = defaultdict(list)
    sizes: dict[K, int] = defaultdict(int)

    def put(index: int) -> None:
        if at[index] < len(sequences[index]):
            run = _head_run(sequences[index], at[index], kind)
            heads[kind(run[0])].append(index)
            sizes[kind(run[0])] += len(run)

    for index in range(len(sequences)):
        put(index)
    while heads:
        chosen = max(heads, key=lambda k: sizes[k])
        indexes, group = heads.pop(chosen), list[T]()
        del sizes[chosen]
        for index in indexes:
            run = _head_run(sequences[index], at[index], kind)
            group.extend(run)
            at[index] += len(run)
        yield chosen, group
        for index in indexes:
            put(index)


def _head_run(sequence: Sequence[T], start: int, kind: Callable[[T], K]) -> Sequence[T]:
    end = start + 1
    first = kind(sequence[start])
    while end < len(sequence) and kind(sequence[end]) == first:
        end += 1
    return sequence[start:end]
