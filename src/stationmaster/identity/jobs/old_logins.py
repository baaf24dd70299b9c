"""Logins that have been worth nothing for a month are forgotten."""

from datetime import timedelta

from sqlalchemy import or_

from stationmaster.identity.tables import login
from stationmaster.infra.db.database import Database
from stationmaster.infra.db.prune import delete_some
from stationmaster.kernel.clock import Clock

EVERY_S = 3600.0
KEPT = timedelta(days=30)


async def run(*, database: Database, clock: Clock) -> None:
    before = clock.now() - KEPT
    async with database.transaction() as uow:
        await delete_some(uow, login, or_(login.c.expires_at < before, login.c.revoked_at < before))
