"""What only the journal can do to us: a disk that hangs, refuses or recovers; more than fits in memory."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.contract.bus.exam import Collected, document, until

from stationmaster.contracts.topology import Topology, with_ladder
from stationmaster.infra.bus import journal_queue
from stationmaster.infra.bus.journal import Journal, JournalBus
from stationmaster.infra.bus.port import Message, PublishUnknown
from stationmaster.infra.runtime import Runtime

pytestmark = pytest.mark.anyio
TOPOLOGY = Topology((), tuple(with_ladder("work")), ())


@pytest.fixture
async def bus(tmp_path: Path) -> AsyncIterator[JournalBus]:
    bus = JournalBus(Journal(tmp_path / "journal.db"), TOPOLOGY, Runtime(), confirm_within_s=0.2)
    await bus.start()
    yield bus
    await bus.stop()


@contextmanager
def a_disk_that_hangs(path: Path) -> Iterator[None]:
    """Somebody else holds the write lock: no commit can end."""
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    yield
    other.execute("ROLLBACK")
    other.close()


def a_message(number: int) -> Message:
    return Message("", "work", document(number), f"m{number}")


async def test_nothing_is_confirmed_before_it_is_on_disk(bus: JournalBus, tmp_path: Path) -> None:
    with a_disk_that_hangs(tmp_path / "journal.db"):
        publishing = bus.submit(a_message(1))
        done, _pending = await asyncio.wait([publishing], timeout=0.1)
        assert not done
    await publishing


async def test_a_disk_that_hangs_is_unknown_in_time_and_the_document_may_still_arrive(
    bus: JournalBus, tmp_path: Path
) -> None:
    collected = Collected()
    await bus.consume("work", collected)
    with a_disk_that_hangs(tmp_path / "journal.db"), pytest.raises(PublishUnknown):
        await bus.publish(a_message(1))
    await bus.publish(a_message(2))
    await collected.wait_for_documents(2)
    assert collected.documents == [document(1), document(2)]


async def test_a_disk_that_refuses_is_unknown_not_ready_and_then_well_again(
    bus: JournalBus, tmp_path: Path
) -> None:
    refusing = sqlite3.connect(tmp_path / "journal.db", isolation_level=None)
    refusing.execute(
        "CREATE TRIGGER full BEFORE INSERT ON message BEGIN SELECT raise(ABORT, 'disk full'); END"
    )
    with pytest.raises(PublishUnknown, match="disk full"):
        await bus.publish(a_message(1))
    assert not bus.ready
    refusing.execute("DROP TRIGGER full")
    refusing.close()

    async def is_ready() -> bool:
        return bus.ready

    await until(is_ready)
    await bus.publish(a_message(1))


async def test_what_does_not_fit_in_memory_waits_in_the_file(
    bus: JournalBus, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = journal_queue.JournalQueue("work", memory_bytes=2_000)
    monkeypatch.setitem(bus._queues, "work", small)
    for number in range(300):
        await bus.publish(a_message(number))
    assert small.is_spilled
    collected = Collected()
    await bus.consume("work", collected, batch_max=10)
    await collected.wait_for_documents(300)
    assert collected.documents == [document(number) for number in range(300)]
