"""Tables of the analytics room."""

from sqlalchemy import BigInteger, Column, Integer, Table, Text

from stationmaster.infra.db.metadata import UtcTime, metadata

# Sums per station and hour of the session's end; fed by `analytics`, rebuildable from charging_session.
session_hour = Table(
    "session_hour",
    metadata,
    Column("station_id", Text, primary_key=True),
    Column("hour", UtcTime, primary_key=True),
    Column("organisation_id", Text, nullable=False),
    Column("sessions", Integer, nullable=False, server_default="0"),
    Column("energy_wh", BigInteger, nullable=False, server_default="0"),
    Column("revenue_minor", BigInteger, nullable=False, server_default="0"),
    Column("fee_minor", BigInteger, nullable=False, server_default="0"),
)

# Sessions already counted: at-least-once delivery counts once.
counted_session = Table(
    "counted_session",
    metadata,
    Column("session_id", Text, primary_key=True),
    Column("counted_at", UtcTime, nullable=False),
)
