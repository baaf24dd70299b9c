"""Tables of the tariffs room."""

from sqlalchemy import BigInteger, CheckConstraint, Column, ForeignKey, Index, Integer, Table, Text

from stationmaster.infra.db.metadata import UtcTime, metadata

tariff = Table(
    "tariff",
    metadata,
    Column("id", Text, primary_key=True),
    Column("organisation_id", Text, ForeignKey("organisation.id", ondelete="RESTRICT"), nullable=False),
    Column("name", Text, nullable=False),
    Column("created_at", UtcTime, nullable=False),
)

# A version never changes; a new price is a new version from a date.
tariff_version = Table(
    "tariff_version",
    metadata,
    Column("id", Text, primary_key=True),
    Column("tariff_id", Text, ForeignKey("tariff.id", ondelete="RESTRICT"), nullable=False),
    Column("version", Integer, nullable=False),
    Column("currency", Text, nullable=False),
    Column("price_minor_per_kwh", BigInteger, nullable=False),
    Column("tax_bps", Integer, nullable=False, server_default="0"),
    Column("valid_from", UtcTime, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("created_by", Text, nullable=False, server_default=""),
    CheckConstraint("price_minor_per_kwh >= 0", name="price_not_negative"),
)
Index(
    "uq_tariff_version_tariff_id_version", tariff_version.c.tariff_id, tariff_version.c.version, unique=True
)
