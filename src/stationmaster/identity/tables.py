"""Tables of the identity room."""

from sqlalchemy import Boolean, CheckConstraint, Column, ForeignKey, Index, Integer, Table, Text

from stationmaster.infra.db.metadata import UtcTime, metadata

organisation = Table(
    "organisation",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("currency", Text, nullable=False, server_default="INR"),
    Column("timezone", Text, nullable=False, server_default="Asia/Kolkata"),
    Column("platform_fee_bps", Integer, nullable=False, server_default="1000"),
    Column("created_at", UtcTime, nullable=False),
    CheckConstraint("platform_fee_bps BETWEEN 0 AND 10000", name="fee_bps"),
)

# Operators and drivers: the two kinds of person.
person = Table(
    "person",
    metadata,
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),  # operator | driver
    Column("role", Text, nullable=False),  # admin | operator | driver
    Column(
        "organisation_id", Text, ForeignKey("organisation.id", ondelete="RESTRICT")
    ),  # NULL: the whole platform
    Column("email", Text, unique=True),
    Column("phone", Text, unique=True),
    Column("name", Text, nullable=False, server_default=""),
    Column("password_hash", Text),
    Column("created_at", UtcTime, nullable=False),
    Column("disabled_at", UtcTime),
    CheckConstraint("kind IN ('operator','driver')", name="kind"),
    CheckConstraint("role IN ('admin','operator','driver')", name="role"),
)

# An authenticated browser or app. Only the hash of its secret is stored.
login = Table(
    "login",
    metadata,
    Column("id", Text, primary_key=True),
    Column("person_id", Text, ForeignKey("person.id", ondelete="RESTRICT"), nullable=False),
    Column("secret_hash", Text, nullable=False, unique=True),
    Column("csrf_token", Text, nullable=False),
    Column("kind", Text, nullable=False),  # cookie | bearer
    Column("created_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
    Column("revoked_at", UtcTime),
)

# What identifies a driver to a station (RFID card, app). Each has a payer: a wallet, an organisation, or free.
id_token = Table(
    "id_token",
    metadata,
    Column("id", Text, primary_key=True),
    Column("token", Text, nullable=False, unique=True),  # compared case-insensitively: stored upper case
    Column("kind", Text, nullable=False, server_default="rfid"),
    Column("organisation_id", Text, ForeignKey("organisation.id", ondelete="RESTRICT"), nullable=False),
    Column("driver_id", Text, ForeignKey("person.id", ondelete="RESTRICT")),
    Column("payer_kind", Text, nullable=False),  # wallet | organisation | free
    Column("payer_reason", Text),  # why it is free
    Column("status", Text, nullable=False, server_default="Accepted"),  # Accepted | Blocked
    Column("expires_at", UtcTime),
    Column("is_operator", Boolean, nullable=False, server_default="0"),
    Column("created_at", UtcTime, nullable=False),
    CheckConstraint("payer_kind IN ('wallet','organisation','free')", name="payer_kind"),
    CheckConstraint("payer_kind <> 'wallet' OR driver_id IS NOT NULL", name="wallet_has_driver"),
    CheckConstraint("payer_kind <> 'free' OR payer_reason IS NOT NULL", name="free_has_reason"),
)
Index("ix_id_token_driver_id", id_token.c.driver_id)
