"""Tables of the stations room."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
)

from stationmaster.infra.db.metadata import AutoKey, UtcTime, metadata

station = Table(
    "station",
    metadata,
    Column(
        "station_id", Text, primary_key=True
    ),  # the OCPP identity in the URL: `deviceId` on the public surface
    Column("charger_id", Text, nullable=False, unique=True),  # opaque: `chargerId`
    Column("organisation_id", Text, ForeignKey("organisation.id", ondelete="RESTRICT"), nullable=False),
    Column("name", Text, nullable=False, server_default=""),
    Column("site", Text, nullable=False, server_default=""),
    Column("timezone", Text, nullable=False, server_default="Asia/Kolkata"),
    Column("security_profile", Integer, nullable=False, server_default="1"),
    Column("key_digest", Text),  # keyed SHA-256 of the Basic-auth password; NULL for profile 0
    Column("vendor", Text, nullable=False, server_default=""),
    Column("model", Text, nullable=False, server_default=""),
    Column("serial_number", Text, nullable=False, server_default=""),
    Column("firmware_version", Text, nullable=False, server_default=""),
    Column("connector_count", Integer, nullable=False, server_default="0"),
    Column("max_power_w", Integer, nullable=False, server_default="22000"),
    Column("tariff_id", Text),
    Column("is_online", Boolean, nullable=False, server_default="0"),
    Column("gateway_id", Text, nullable=False, server_default=""),
    Column("epoch", BigInteger, nullable=False, server_default="0"),  # of the newest link heard of
    Column("connected_at", UtcTime),
    Column("disconnected_at", UtcTime),
    Column("last_seen_at", UtcTime),
    Column("last_boot_at", UtcTime),
    Column("boot_reason", Text, nullable=False, server_default=""),
    Column("capture_until", UtcTime),  # log Heartbeats too until then
    Column("archived_at", UtcTime),
    Column("version", BigInteger, nullable=False, server_default="0"),
    Column("created_at", UtcTime, nullable=False),
    CheckConstraint("security_profile BETWEEN 0 AND 3", name="security_profile"),
    postgresql_with={"fillfactor": 70},
)
Index("ix_station_organisation_id", station.c.organisation_id)

# Connector 0 is the station itself.
connector = Table(
    "connector",
    metadata,
    Column("station_id", Text, ForeignKey("station.station_id", ondelete="RESTRICT"), primary_key=True),
    Column("connector_id", Integer, primary_key=True),
    Column("status", Text, nullable=False, server_default="Unknown"),
    Column("error_code", Text, nullable=False, server_default="NoError"),
    Column("info", Text, nullable=False, server_default=""),
    Column("vendor_error_code", Text, nullable=False, server_default=""),
    Column("status_at", UtcTime),
    Column("status_epoch", BigInteger, nullable=False, server_default="0"),  # last value only moves forward
    Column("status_seq", BigInteger, nullable=False, server_default="0"),
    Column("power_w", Float),
    Column("soc_percent", Float),
    Column("version", BigInteger, nullable=False, server_default="0"),
    postgresql_with={"fillfactor": 70},
)

# A command's life: queued -> sent -> accepted | rejected | failed | timed_out | offline | expired (set once).
command = Table(
    "command",
    metadata,
    Column("id", Text, primary_key=True),
    Column("station_id", Text, ForeignKey("station.station_id", ondelete="RESTRICT"), nullable=False),
    Column("organisation_id", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("payload", Text, nullable=False),  # JSON as sent
    Column("state", Text, nullable=False, server_default="queued"),
    Column("status", Text, nullable=False, server_default=""),  # the station's own word
    Column("answer", Text),
    Column("error", Text, nullable=False, server_default=""),
    Column("session_id", Text),
    Column("actor", Text, nullable=False),
    Column("gateway_id", Text, nullable=False, server_default=""),
    Column("epoch", BigInteger, nullable=False, server_default="0"),
    Column("created_at", UtcTime, nullable=False),
    Column("deadline_at", UtcTime, nullable=False),
    Column("sent_at", UtcTime),
    Column("finished_at", UtcTime),
    Column("version", BigInteger, nullable=False, server_default="0"),
    CheckConstraint(
        "state IN ('queued','sent','accepted','rejected','failed','timed_out','offline','expired')",
        name="state",
    ),
)
Index("ix_command_station_id_created_at", command.c.station_id, command.c.created_at)
Index(
    "ix_command_open_deadline",
    command.c.deadline_at,
    postgresql_where=command.c.finished_at.is_(None),
    sqlite_where=command.c.finished_at.is_(None),
)

refused_handshake = Table(
    "refused_handshake",
    metadata,
    Column("id", AutoKey, primary_key=True),
    Column("station_id", Text, nullable=False),  # as claimed, cleaned
    Column("remote_address", Text, nullable=False),
    Column(
        "reason", Text, nullable=False
    ),  # unknown_station | wrong_password | no_subprotocol | bad_identity | ...
    Column("detail", Text, nullable=False, server_default=""),
    Column("gateway_id", Text, nullable=False, server_default=""),
    Column("count", Integer, nullable=False, server_default="1"),
    Column("at", UtcTime, nullable=False),
)
Index("ix_refused_handshake_at", refused_handshake.c.at)

# A number per gateway process, issued once: the low 12 bits of the epochs that it mints.
gateway = Table(
    "gateway",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("gateway_id", Text, nullable=False, unique=True),
    Column("secret_hash", Text, nullable=False, server_default=""),
    Column("registered_at", UtcTime, nullable=False),
    Column("seen_at", UtcTime, nullable=False),
)
