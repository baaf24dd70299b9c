"""What waits in memory, in which order, and what happens when there is no room."""

from stationmaster.infra.bus.journal_queue import JournalQueue
from stationmaster.infra.bus.journal_rows import Row


def a_row(id_: int, *, priority: int = 0, documents: int = 1, attempts: int = 1, size: int = 10) -> Row:
    return Row(id_, "q", "k", "m", priority, b"x" * size, [b"{}"] * documents, attempts=attempts)


def ids(rows: list[Row]) -> list[int]:
    return [row.id for row in rows]


def filled(*rows: Row, memory_bytes: int = 10_000) -> JournalQueue:
    queue = JournalQueue("q", memory_bytes=memory_bytes)
    for row in rows:
        queue.push(row, now=0)
    return queue


def test_higher_priority_first_then_the_order_of_publishing() -> None:
    queue = filled(a_row(1), a_row(2, priority=9), a_row(3), a_row(4, priority=9))
    assert ids(queue.take(3, alone=True)) == [2, 4, 1]
    assert ids(queue.take(3, alone=True)) == [3]


def test_a_pack_that_does_not_fit_waits_for_the_next_batch() -> None:
    queue = filled(a_row(1, documents=3), a_row(2, documents=3), a_row(3))
    assert ids(queue.take(5, alone=True)) == [1]
    assert ids(queue.take(1, alone=True)) == [2]


def test_what_failed_before_comes_alone() -> None:
    queue = filled(a_row(1), a_row(2, attempts=2), a_row(3))
    assert ids(queue.take(10, alone=True)) == [1]
    assert ids(queue.take(10, alone=False)) == []
    assert ids(queue.take(10, alone=True)) == [2]
    assert ids(queue.take(10, alone=True)) == [3]


def test_what_is_given_back_is_in_front_again() -> None:
    queue = filled(a_row(1), a_row(2), a_row(3))
    taken = queue.take(2, alone=True)
    queue.give_back(taken)
    assert ids(queue.take(10, alone=True)) == [1, 2, 3]
    assert taken[0].is_redelivered


def test_delayed_rows_wait_for_their_time() -> None:
    row = a_row(1)
    row.available_at = 5
    queue = filled(row)
    queue.release(4.9)
    assert not queue.has_ready
    queue.release(5)
    assert ids(queue.take(1, alone=True)) == [1]


def test_beyond_the_memory_rows_stay_in_the_file_and_are_read_back_in_order() -> None:
    rows = [a_row(number, size=100) for number in range(1, 31)]
    queue = filled(*rows, memory_bytes=1000)
    seen: list[int] = []
    while queue.is_spilled or queue.has_ready:
        taken = queue.take(3, alone=True)
        queue.finish(taken)
        seen += ids(taken)
        if (first := queue.wants) is not None:
            chunk = [row for row in rows if row.id >= first][:4]
            queue.refill(chunk, is_all=len(chunk) < 4, now=0)
    assert seen == list(range(1, 31))
