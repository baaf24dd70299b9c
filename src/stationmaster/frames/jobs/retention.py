"""How long is the OCPP log kept? 90 days; and tomorrow's partition is made today (architecture 5)."""

from datetime import timedelta

import structlog

from stationmaster.frames import store
from stationmaster.frames.tables import charger_data
from stationmaster.infra.db.database import Database
from stationmaster.infra.db.partitions import drop_partitions_before, ensure_partitions
from stationmaster.kernel.clock import Clock

EVERY_S = 3600.0
DAYS_AHEAD = 3
KEPT_DAYS = 90

log = structlog.get_logger()


async def run(*, database: Database, clock: Clock, log_kept_days: int = KEPT_DAYS) -> None:
    """Days to come first: what has no partition waits in the default one."""
    now = clock.now()
    made = await ensure_partitions(database, charger_data, days_ahead=DAYS_AHEAD, now=now)
    before = now - timedelta(days=log_kept_days)
    dropped = await drop_partitions_before(database, charger_data, before=before)
    await store.forget_heartbeats(database, before=before)
    if made or dropped:
        log.info("log.retention", made=made, dropped=dropped, before=before.isoformat())
