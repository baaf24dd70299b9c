"""Tables of the charging room."""

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Column, Float, Index, Integer, Table, Text, text

from stationmaster.infra.db.metadata import AutoKey, UtcTime, metadata

LIVE_STATES = ("PENDING", "STARTING", "ONGOING", "STOPPING", "ORPHANED", "GHOST")
TERMINAL_STATES = ("COMPLETED", "TERMINATED", "FAILED")

# Our record from intent to receipt (architecture 8); states of reliability 5.1.
charging_session = Table(
    "charging_session",
    metadata,
    Column("id", Text, primary_key=True),
    Column("organisation_id", Text, nullable=False),
    Column("station_id", Text, nullable=False),
    Column("connector_id", Integer, nullable=False),
    Column("driver_id", Text),
    Column("payer_kind", Text, nullable=False),  # wallet | organisation | free | nobody (an orphan)
    Column("payer_organisation_id", Text),  # who pays, of kind organisation: maybe not the station's own
    Column("payer_reason", Text, nullable=False, server_default=""),
    Column("started_by", Text, nullable=False),  # app | cms | rfid | station
    Column("actor", Text, nullable=False),
    Column("id_token", Text, nullable=False),
    Column("one_time_token", Text, unique=True),  # the idTag of a remote start; dies with the session
    Column("state", Text, nullable=False),
    Column("sub_reason", Text, nullable=False, server_default=""),
    Column("tariff_version_id", Text),
    Column("price_minor_per_kwh", BigInteger, nullable=False, server_default="0"),
    Column("tax_bps", Integer, nullable=False, server_default="0"),
    Column("fee_bps", Integer, nullable=False, server_default="1000"),
    Column("currency", Text, nullable=False, server_default="INR"),
    Column("hold_amount_minor", BigInteger, nullable=False, server_default="0"),
    Column(
        "hold_generation", Integer, nullable=False, server_default="0"
    ),  # 0: no hold (free, organisation, unfunded)
    Column("limit_energy_wh", BigInteger),
    Column("transaction_id", BigInteger),
    Column("meter_start_wh", BigInteger),
    Column("meter_last_wh", BigInteger),
    Column("meter_last_at", UtcTime),
    Column("meter_stop_wh", BigInteger),
    Column("energy_wh", BigInteger, nullable=False, server_default="0"),
    Column("power_w", Float),
    Column("soc_percent", Float),
    Column(
        "cost_minor", BigInteger, nullable=False, server_default="0"
    ),  # running, then final: what is charged
    Column("captured_minor", BigInteger, nullable=False, server_default="0"),
    Column("overrun_minor", BigInteger, nullable=False, server_default="0"),
    Column("released_minor", BigInteger, nullable=False, server_default="0"),
    Column("fee_minor", BigInteger, nullable=False, server_default="0"),
    Column("organisation_minor", BigInteger, nullable=False, server_default="0"),
    Column("tax_minor", BigInteger, nullable=False, server_default="0"),
    Column("is_suspect", Boolean, nullable=False, server_default="0"),
    Column("is_provisional", Boolean, nullable=False, server_default="0"),
    Column("suspect_reason", Text, nullable=False, server_default=""),
    Column("stop_reason", Text, nullable=False, server_default=""),
    Column("created_at", UtcTime, nullable=False),
    Column("start_deadline_at", UtcTime),
    Column("started_at", UtcTime),
    Column("stop_requested_at", UtcTime),
    Column("stop_attempts", Integer, nullable=False, server_default="0"),
    Column("ended_at", UtcTime),
    Column("settled_at", UtcTime),
    Column("version", BigInteger, nullable=False, server_default="0"),
    CheckConstraint(
        "(state IN ('COMPLETED','TERMINATED','FAILED')) = (settled_at IS NOT NULL)",
        name="terminal_is_settled",
    ),
    CheckConstraint(f"state IN {LIVE_STATES + TERMINAL_STATES}", name="state"),
    CheckConstraint("energy_wh >= 0", name="energy_not_negative"),
    CheckConstraint(
        "ended_at IS NULL OR started_at IS NULL OR ended_at >= started_at", name="ends_after_start"
    ),
    postgresql_with={"fillfactor": 70},
)
_LIVE = text("state IN ('PENDING','STARTING','ONGOING','STOPPING')")
Index(
    "uq_charging_session_live_connector",
    charging_session.c.station_id,
    charging_session.c.connector_id,
    unique=True,
    postgresql_where=_LIVE,
    sqlite_where=_LIVE,
)
# What is not over: looked through by every meter value, start and deadline, and small however long the
# history is.
Index(
    "ix_charging_session_open",
    charging_session.c.station_id,
    postgresql_where=charging_session.c.settled_at.is_(None),
    sqlite_where=charging_session.c.settled_at.is_(None),
)
Index("ix_charging_session_driver_id", charging_session.c.driver_id, charging_session.c.created_at)
Index("ix_charging_session_created_at", charging_session.c.created_at)
Index("ix_charging_session_transaction", charging_session.c.station_id, charging_session.c.transaction_id)

# OCPP's transaction. `transaction_id` is what the station was told (or would have been).
ocpp_transaction = Table(
    "ocpp_transaction",
    metadata,
    Column("transaction_id", BigInteger, primary_key=True, autoincrement=False),
    Column("station_id", Text, nullable=False),
    Column("connector_id", Integer, nullable=False),
    Column("session_id", Text, nullable=False),
    Column("id_token", Text, nullable=False),
    Column("meter_start_wh", BigInteger),
    Column("started_at", UtcTime, nullable=False),  # the device's time
    Column("received_at", UtcTime, nullable=False),
    Column("fingerprint", Text, nullable=False, unique=True),  # same StartTransaction again: same answer
    Column("answer", Text, nullable=False),  # JSON payload, byte for byte
    Column("stop_fingerprint", Text),
    Column("stopped_at", UtcTime),
    Column("meter_stop_wh", BigInteger),
    Column("stop_reason", Text),
    Column("stop_id_token", Text),
)
Index(
    "ix_ocpp_transaction_station_open",
    ocpp_transaction.c.station_id,
    ocpp_transaction.c.connector_id,
    postgresql_where=ocpp_transaction.c.stopped_at.is_(None),
    sqlite_where=ocpp_transaction.c.stopped_at.is_(None),
)
Index("ix_ocpp_transaction_session_id", ocpp_transaction.c.session_id)

# Every id proposed for one start means one transaction (architecture 3.4).
transaction_alias = Table(
    "transaction_alias",
    metadata,
    Column("transaction_id", BigInteger, primary_key=True, autoincrement=False),
    Column("means_transaction_id", BigInteger, nullable=False),
    Column("station_id", Text, nullable=False),
)

# One row per MeterValue of a station (a time with its sampled values).
meter_sample = Table(
    "meter_sample",
    metadata,
    Column("station_id", Text, primary_key=True),
    Column("connector_id", Integer, primary_key=True),
    Column("sampled_at", UtcTime, primary_key=True),
    Column("digest", Text, primary_key=True),  # of the samples: the same reading twice is one row
    Column("transaction_id", BigInteger),
    Column("session_id", Text),
    Column("epoch", BigInteger, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("energy_wh", BigInteger),
    Column("power_w", Float),
    Column("soc_percent", Float),
    Column("samples", Text, nullable=False),  # JSON, as sent
)
Index("ix_meter_sample_session_id", meter_sample.c.session_id, meter_sample.c.sampled_at)

# A StopTransaction that fits no transaction: always answered, kept for a person or a later start.
unmatched_stop = Table(
    "unmatched_stop",
    metadata,
    Column("id", AutoKey, primary_key=True),
    Column("station_id", Text, nullable=False),
    Column("transaction_id", BigInteger),
    Column("payload", Text, nullable=False),
    Column("epoch", BigInteger, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("received_at", UtcTime, nullable=False),
    Column("matched_session_id", Text),
    Column("resolved_at", UtcTime),
)
