"""Log a station's Heartbeats too, for a while (frames.ports.SetCapture)."""

from datetime import datetime

from stationmaster.infra.db.database import UnitOfWork
from stationmaster.stations import registry
from stationmaster.stations.model import Station


async def set_capture(
    uow: UnitOfWork, *, station_id: str, until: datetime | None, organisation_id: str | None
) -> Station:
    """None: no longer. Raises NotFound, also for another organisation's station."""
    await registry.get(uow, station_id, organisation_id=organisation_id)
    return await registry.change(uow, station_id, capture_until=until)
