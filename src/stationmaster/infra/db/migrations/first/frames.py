"""Tables of the OCPP log, as the first revision makes them. Frozen: changes are later revisions."""

import sqlalchemy as sa
from alembic import op

from stationmaster.infra.db.migrations.first.types import TIME


def create() -> None:
    op.create_table(
        "charger_data",
        sa.Column("timestamp", TIME, nullable=False),
        sa.Column("device_id", sa.Text(), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("charger_id", sa.Text(), nullable=False, server_default=""),
        sa.Column("type", sa.Text(), nullable=False, server_default="OCPP"),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("direction", sa.Text(), nullable=False),
        sa.Column("message_id", sa.Text(), nullable=False, server_default=""),
        sa.Column("message_data", sa.Text()),
        sa.Column("raw", sa.Text()),
        sa.Column("flags", sa.Text()),
        sa.PrimaryKeyConstraint(
            "timestamp", "device_id", "epoch", "kind", "seq", name=op.f("pk_charger_data")
        ),
        postgresql_partition_by="RANGE (timestamp)",
    )
    op.create_index(op.f("ix_charger_data_device_time"), "charger_data", ["device_id", "timestamp"])
    op.create_table(
        "heartbeat_minute",
        sa.Column("device_id", sa.Text(), nullable=False),
        sa.Column("minute", TIME, nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("device_id", "minute", name=op.f("pk_heartbeat_minute")),
    )
    if op.get_bind().dialect.name == "postgresql":
        # Rows of a day without a partition land here; ensure_partitions moves them when it makes the day's
        # own.
        op.execute("CREATE TABLE charger_data_default PARTITION OF charger_data DEFAULT")
