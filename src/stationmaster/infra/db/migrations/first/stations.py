"""Tables of the stations room, as the first revision makes them. Frozen: changes are later revisions."""

import sqlalchemy as sa
from alembic import op

from stationmaster.infra.db.migrations.first.types import KEY, TIME


def create() -> None:
    op.create_table(
        "gateway",
        sa.Column("number", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("gateway_id", sa.Text(), nullable=False),
        sa.Column("secret_hash", sa.Text(), nullable=False, server_default=""),
        sa.Column("registered_at", TIME, nullable=False),
        sa.Column("seen_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_gateway")),
        sa.UniqueConstraint("gateway_id", name=op.f("uq_gateway_gateway_id")),
    )
    op.create_table(
        "refused_handshake",
        sa.Column("id", KEY, nullable=False),
        sa.Column("station_id", sa.Text(), nullable=False),
        sa.Column("remote_address", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False, server_default=""),
        sa.Column("gateway_id", sa.Text(), nullable=False, server_default=""),
        sa.Column("count", sa.Integer(), nullable=False, server_default="1"),
        sa.Column("at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refused_handshake")),
    )
    op.create_index(op.f("ix_refused_handshake_at"), "refused_handshake", ["at"])
    op.create_table(
        "station",
        sa.Column("station_id", sa.Text(), nullable=False),
        sa.Column("charger_id", sa.Text(), nullable=False),
        sa.Column("organisation_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False, server_default=""),
        sa.Column("site", sa.Text(), nullable=False, server_default=""),
        sa.Column("timezone", sa.Text(), nullable=False, server_default="Asia/Kolkata"),
        sa.Column("security_profile", sa.Integer(), nullable=False, server_default="1"),
        sa.Column("key_digest", sa.Text()),
        sa.Column("vendor", sa.Text(), nullable=False, server_default=""),
        sa.Column("model", sa.Text(), nullable=False, server_default=""),
        sa.Column("serial_number", sa.Text(), nullable=False, server_default=""),
        sa.Column("firmware_version", sa.Text(), nullable=False, server_default=""),
        sa.Column("connector_count", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("max_power_w", sa.Integer(), nullable=False, server_default="22000"),
        sa.Column("tariff_id", sa.Text()),
        sa.Column("is_online", sa.Boolean(), nullable=False, server_default="0"),
        sa.Column("gateway_id", sa.Text(), nullable=False, server_default=""),
        sa.Column("epoch", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("connected_at", TIME),
        sa.Column("disconnected_at", TIME),
        sa.Column("last_seen_at", TIME),
        sa.Column("last_boot_at", TIME),
        sa.Column("boot_reason", sa.Text(), nullable=False, server_default=""),
        sa.Column("capture_until", TIME),
        sa.Column("archived_at", TIME),
        sa.Column("version", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("created_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("station_id", name=op.f("pk_station")),
        sa.UniqueConstraint("charger_id", name=op.f("uq_station_charger_id")),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisation.id"],
            name=op.f("fk_station_organisation_id"),
            ondelete="RESTRICT",
        ),
        sa.CheckConstraint("security_profile BETWEEN 0 AND 3", name=op.f("ck_station_security_profile")),
        postgresql_with={"fillfactor": 70},
    )
    op.create_index(op.f("ix_station_organisation_id"), "station", ["organisation_id"])
    op.create_table(
        "command",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("station_id", sa.Text(), nullable=False),
        sa.Column("organisation_id", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False, server_default="queued"),
        sa.Column("status", sa.Text(), nullable=False, server_default=""),
        sa.Column("answer", sa.Text()),
        sa.Column("error", sa.Text(), nullable=False, server_default=""),
        sa.Column("session_id", sa.Text()),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("gateway_id", sa.Text(), nullable=False, server_default=""),
        sa.Column("epoch", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("deadline_at", TIME, nullable=False),
        sa.Column("sent_at", TIME),
        sa.Column("finished_at", TIME),
        sa.Column("version", sa.BigInteger(), nullable=False, server_default="0"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_command")),
        sa.ForeignKeyConstraint(
            ["station_id"], ["station.station_id"], name=op.f("fk_command_station_id"), ondelete="RESTRICT"
        ),
        sa.CheckConstraint(
            "state IN ('queued','sent','accepted','rejected','failed','timed_out','offline','expired')",
            name=op.f("ck_command_state"),
        ),
    )
    op.create_index(
        op.f("ix_command_open_deadline"),
        "command",
        ["deadline_at"],
        postgresql_where=sa.text("finished_at IS NULL"),
        sqlite_where=sa.text("finished_at IS NULL"),
    )
    op.create_index(op.f("ix_command_station_id_created_at"), "command", ["station_id", "created_at"])
    op.create_table(
        "connector",
        sa.Column("station_id", sa.Text(), nullable=False),
        sa.Column("connector_id", sa.Integer(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False, server_default="Unknown"),
        sa.Column("error_code", sa.Text(), nullable=False, server_default="NoError"),
        sa.Column("info", sa.Text(), nullable=False, server_default=""),
        sa.Column("vendor_error_code", sa.Text(), nullable=False, server_default=""),
        sa.Column("status_at", TIME),
        sa.Column("status_epoch", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("status_seq", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("power_w", sa.Float()),
        sa.Column("soc_percent", sa.Float()),
        sa.Column("version", sa.BigInteger(), nullable=False, server_default="0"),
        sa.PrimaryKeyConstraint("station_id", "connector_id", name=op.f("pk_connector")),
        sa.ForeignKeyConstraint(
            ["station_id"], ["station.station_id"], name=op.f("fk_connector_station_id"), ondelete="RESTRICT"
        ),
        postgresql_with={"fillfactor": 70},
    )
