"""Tables of the charging room, as the first revision makes them. Frozen: changes are later revisions."""

import sqlalchemy as sa
from alembic import op

from stationmaster.infra.db.migrations.first.types import KEY, TIME


def create() -> None:
    op.create_table(
        "charging_session",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("organisation_id", sa.Text(), nullable=False),
        sa.Column("station_id", sa.Text(), nullable=False),
        sa.Column("connector_id", sa.Integer(), nullable=False),
        sa.Column("driver_id", sa.Text()),
        sa.Column("payer_kind", sa.Text(), nullable=False),
        sa.Column("payer_organisation_id", sa.Text()),
        sa.Column("payer_reason", sa.Text(), nullable=False, server_default=""),
        sa.Column("started_by", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("id_token", sa.Text(), nullable=False),
        sa.Column("one_time_token", sa.Text()),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("sub_reason", sa.Text(), nullable=False, server_default=""),
        sa.Column("tariff_version_id", sa.Text()),
        sa.Column("price_minor_per_kwh", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("tax_bps", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("fee_bps", sa.Integer(), nullable=False, server_default="1000"),
        sa.Column("currency", sa.Text(), nullable=False, server_default="INR"),
        sa.Column("hold_amount_minor", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("hold_generation", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("limit_energy_wh", sa.BigInteger()),
        sa.Column("transaction_id", sa.BigInteger()),
        sa.Column("meter_start_wh", sa.BigInteger()),
        sa.Column("meter_last_wh", sa.BigInteger()),
        sa.Column("meter_last_at", TIME),
        sa.Column("meter_stop_wh", sa.BigInteger()),
        sa.Column("energy_wh", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("power_w", sa.Float()),
        sa.Column("soc_percent", sa.Float()),
        sa.Column("cost_minor", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("captured_minor", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("overrun_minor", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("released_minor", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("fee_minor", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("organisation_minor", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("tax_minor", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("is_suspect", sa.Boolean(), nullable=False, server_default="0"),
        sa.Column("is_provisional", sa.Boolean(), nullable=False, server_default="0"),
        sa.Column("suspect_reason", sa.Text(), nullable=False, server_default=""),
        sa.Column("stop_reason", sa.Text(), nullable=False, server_default=""),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("start_deadline_at", TIME),
        sa.Column("started_at", TIME),
        sa.Column("stop_requested_at", TIME),
        sa.Column("stop_attempts", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("ended_at", TIME),
        sa.Column("settled_at", TIME),
        sa.Column("version", sa.BigInteger(), nullable=False, server_default="0"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_charging_session")),
        sa.UniqueConstraint("one_time_token", name=op.f("uq_charging_session_one_time_token")),
        sa.CheckConstraint(
            "ended_at IS NULL OR started_at IS NULL OR ended_at >= started_at",
            name=op.f("ck_charging_session_ends_after_start"),
        ),
        sa.CheckConstraint("energy_wh >= 0", name=op.f("ck_charging_session_energy_not_negative")),
        sa.CheckConstraint(
            "state IN ('PENDING', 'STARTING', 'ONGOING', 'STOPPING', 'ORPHANED', 'GHOST', "
            "'COMPLETED', 'TERMINATED', 'FAILED')",
            name=op.f("ck_charging_session_state"),
        ),
        sa.CheckConstraint(
            "(state IN ('COMPLETED','TERMINATED','FAILED')) = (settled_at IS NOT NULL)",
            name=op.f("ck_charging_session_terminal_is_settled"),
        ),
        postgresql_with={"fillfactor": 70},
    )
    op.create_index(op.f("ix_charging_session_created_at"), "charging_session", ["created_at"])
    op.create_index(op.f("ix_charging_session_driver_id"), "charging_session", ["driver_id", "created_at"])
    op.create_index(
        op.f("ix_charging_session_open"),
        "charging_session",
        ["station_id"],
        postgresql_where=sa.text("settled_at IS NULL"),
        sqlite_where=sa.text("settled_at IS NULL"),
    )
    op.create_index(
        op.f("ix_charging_session_transaction"), "charging_session", ["station_id", "transaction_id"]
    )
    op.create_index(
        op.f("uq_charging_session_live_connector"),
        "charging_session",
        ["station_id", "connector_id"],
        unique=True,
        postgresql_where=sa.text("state IN ('PENDING','STARTING','ONGOING','STOPPING')"),
        sqlite_where=sa.text("state IN ('PENDING','STARTING','ONGOING','STOPPING')"),
    )
    op.create_table(
        "meter_sample",
        sa.Column("station_id", sa.Text(), nullable=False),
        sa.Column("connector_id", sa.Integer(), nullable=False),
        sa.Column("sampled_at", TIME, nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("transaction_id", sa.BigInteger()),
        sa.Column("session_id", sa.Text()),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("energy_wh", sa.BigInteger()),
        sa.Column("power_w", sa.Float()),
        sa.Column("soc_percent", sa.Float()),
        sa.Column("samples", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint(
            "station_id", "connector_id", "sampled_at", "digest", name=op.f("pk_meter_sample")
        ),
    )
    op.create_index(op.f("ix_meter_sample_session_id"), "meter_sample", ["session_id", "sampled_at"])
    op.create_table(
        "ocpp_transaction",
        sa.Column("transaction_id", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("station_id", sa.Text(), nullable=False),
        sa.Column("connector_id", sa.Integer(), nullable=False),
        sa.Column("session_id", sa.Text(), nullable=False),
        sa.Column("id_token", sa.Text(), nullable=False),
        sa.Column("meter_start_wh", sa.BigInteger()),
        sa.Column("started_at", TIME, nullable=False),
        sa.Column("received_at", TIME, nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("stop_fingerprint", sa.Text()),
        sa.Column("stopped_at", TIME),
        sa.Column("meter_stop_wh", sa.BigInteger()),
        sa.Column("stop_reason", sa.Text()),
        sa.Column("stop_id_token", sa.Text()),
        sa.PrimaryKeyConstraint("transaction_id", name=op.f("pk_ocpp_transaction")),
        sa.UniqueConstraint("fingerprint", name=op.f("uq_ocpp_transaction_fingerprint")),
    )
    op.create_index(op.f("ix_ocpp_transaction_session_id"), "ocpp_transaction", ["session_id"])
    op.create_index(
        op.f("ix_ocpp_transaction_station_open"),
        "ocpp_transaction",
        ["station_id", "connector_id"],
        postgresql_where=sa.text("stopped_at IS NULL"),
        sqlite_where=sa.text("stopped_at IS NULL"),
    )
    op.create_table(
        "transaction_alias",
        sa.Column("transaction_id", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("means_transaction_id", sa.BigInteger(), nullable=False),
        sa.Column("station_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("transaction_id", name=op.f("pk_transaction_alias")),
    )
    op.create_table(
        "unmatched_stop",
        sa.Column("id", KEY, nullable=False),
        sa.Column("station_id", sa.Text(), nullable=False),
        sa.Column("transaction_id", sa.BigInteger()),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("received_at", TIME, nullable=False),
        sa.Column("matched_session_id", sa.Text()),
        sa.Column("resolved_at", TIME),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_unmatched_stop")),
    )
