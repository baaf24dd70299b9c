"""Tables of the OCPP log."""

from sqlalchemy import BigInteger, Column, Index, Integer, Table, Text

from stationmaster.infra.db.metadata import UtcTime, metadata

# One row per frame and direction (mission R88). Partitioned by day of `timestamp`, so the key must hold it; a
# frame's time comes with its envelope, so the same frame has the same key however often it is delivered.
charger_data = Table(
    "charger_data",
    metadata,
    Column("timestamp", UtcTime, primary_key=True),
    Column("device_id", Text, primary_key=True),
    Column("epoch", BigInteger, primary_key=True),
    Column("kind", Text, primary_key=True),  # call | answer | result | error | invalid | command
    Column("seq", BigInteger, primary_key=True),
    Column("charger_id", Text, nullable=False, server_default=""),
    Column("type", Text, nullable=False, server_default="OCPP"),
    Column("message", Text, nullable=False),  # the action
    Column("direction", Text, nullable=False),  # Incoming | Outgoing
    Column("message_id", Text, nullable=False, server_default=""),
    Column("message_data", Text),  # the payload, JSON text
    Column("raw", Text),  # the frame as it was on the wire
    Column("flags", Text),
    postgresql_partition_by="RANGE (timestamp)",
)
Index("ix_charger_data_device_time", charger_data.c.device_id, charger_data.c.timestamp)

heartbeat_minute = Table(
    "heartbeat_minute",
    metadata,
    Column("device_id", Text, primary_key=True),
    Column("minute", UtcTime, primary_key=True),
    Column("count", Integer, nullable=False),
)
