"""Tables of the analytics room, as the first revision makes them. Frozen: changes are later revisions."""

import sqlalchemy as sa
from alembic import op

from stationmaster.infra.db.migrations.first.types import TIME


def create() -> None:
    op.create_table(
        "counted_session",
        sa.Column("session_id", sa.Text(), nullable=False),
        sa.Column("counted_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("session_id", name=op.f("pk_counted_session")),
    )
    op.create_table(
        "session_hour",
        sa.Column("station_id", sa.Text(), nullable=False),
        sa.Column("hour", TIME, nullable=False),
        sa.Column("organisation_id", sa.Text(), nullable=False),
        sa.Column("sessions", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("energy_wh", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("revenue_minor", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("fee_minor", sa.BigInteger(), nullable=False, server_default="0"),
        sa.PrimaryKeyConstraint("station_id", "hour", name=op.f("pk_session_hour")),
    )
