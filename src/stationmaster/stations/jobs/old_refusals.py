"""Handshakes that were refused a month ago are forgotten: anybody may knock, so they must not pile up."""

from datetime import timedelta

from stationmaster.infra.db.database import Database
from stationmaster.infra.db.prune import delete_some
from stationmaster.kernel.clock import Clock
from stationmaster.stations.tables import refused_handshake

EVERY_S = 3600.0
KEPT = timedelta(days=30)


async def run(*, database: Database, clock: Clock) -> None:
    async with database.transaction() as uow:
        await delete_some(uow, refused_handshake, refused_handshake.c.at < clock.now() - KEPT)
