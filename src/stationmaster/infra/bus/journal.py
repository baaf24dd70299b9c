"""The journal, as compose knows it: the store, the bus on it, the gateway's spool on it."""

from stationmaster.infra.bus.journal_bus import JournalBus
from stationmaster.infra.bus.journal_spool import JournalSpool, SpoolFull
from stationmaster.infra.bus.journal_store import Journal, JournalUnavailable

__all__ = ["Journal", "JournalBus", "JournalSpool", "JournalUnavailable", "SpoolFull"]
