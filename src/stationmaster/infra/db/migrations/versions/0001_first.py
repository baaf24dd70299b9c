"""The first schema: every room's tables, the ledger's triggers, the log's partitions."""

from stationmaster.infra.db.migrations.first import (
    analytics,
    charging,
    frames,
    identity,
    plumbing,
    stations,
    tariffs,
    wallet,
)

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    for room in (plumbing, identity, tariffs, stations, frames, charging, wallet, analytics):
        room.create()
