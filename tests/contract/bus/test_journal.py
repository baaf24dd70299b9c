"""The journal takes the exam of the bus."""

from pathlib import Path

import pytest
from tests.contract.bus.exam import BusExam

from stationmaster.contracts.topology import Topology
from stationmaster.infra.bus.journal import Journal, JournalBus
from stationmaster.infra.bus.port import Bus
from stationmaster.infra.runtime import Runtime


class JournalPlace:
    """A file. One bus at a time may have it open."""

    is_shared = False

    def __init__(self, path: Path, *, in_thread: bool) -> None:
        self._path, self._in_thread = path, in_thread
        self._runtimes: dict[int, tuple[Runtime, Journal]] = {}
        self._number = 0

    async def open(self) -> Bus:
        runtime, journal = Runtime(), Journal(self._path, in_thread=self._in_thread)
        bus = JournalBus(journal, Topology((), (), ()), runtime)
        await bus.start()
        self._runtimes[id(bus)] = runtime, journal
        return bus

    async def crash(self, bus: Bus) -> None:
        runtime, journal = self._runtimes.pop(id(bus))
        journal.abandon()
        await runtime.cancel_all()


class TestJournalBus(BusExam):
    @pytest.fixture(params=[False, True], ids=["own-thread", "callers-thread"])
    def place(self, tmp_path: Path, request: pytest.FixtureRequest) -> JournalPlace:
        return JournalPlace(tmp_path / "journal.db", in_thread=request.param)
