"""Tables of the plumbing: link marks, parked frames, outbox, stored answers, idempotency keys, counters."""

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, Integer, LargeBinary, Table, Text

from stationmaster.infra.db.metadata import AutoKey, UtcTime, metadata

# How far a link's frames were applied (architecture 1.3). `parked` counts parked_frame rows of the link.
link_mark = Table(
    "link_mark",
    metadata,
    Column("station_id", Text, primary_key=True),
    Column("epoch", BigInteger, primary_key=True),
    Column("last_seq", BigInteger, nullable=False, server_default="0"),
    Column("parked", Integer, nullable=False, server_default="0"),
    Column("gateway_id", Text, nullable=False, server_default=""),
    Column("created_at", UtcTime, nullable=False),
    Column("closed_at", UtcTime),
    Column("gap_since", UtcTime),
    Column("kept_gaps", Text, nullable=False, server_default="[]"),  # JSON [[from, to], ...], both inclusive
    postgresql_with={"fillfactor": 50},
)
Index("ix_link_mark_gap_since", link_mark.c.gap_since, postgresql_where=link_mark.c.gap_since.is_not(None))

parked_frame = Table(
    "parked_frame",
    metadata,
    Column("station_id", Text, primary_key=True),
    Column("epoch", BigInteger, primary_key=True),
    Column("seq", BigInteger, primary_key=True),
    Column("envelope", LargeBinary, nullable=False),
    Column("parked_at", UtcTime, nullable=False),
)

# A frame that could not be applied: the mark went past it, a person decides.
set_aside_frame = Table(
    "set_aside_frame",
    metadata,
    Column("id", AutoKey, primary_key=True),
    Column("station_id", Text, nullable=False),
    Column("epoch", BigInteger, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    Column("envelope", LargeBinary, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("resolved_at", UtcTime),
    Column("resolution", Text),
)

# The answer to a CALL that needed a decision: a redelivery gets the same one.
stored_answer = Table(
    "stored_answer",
    metadata,
    Column("station_id", Text, primary_key=True),
    Column("epoch", BigInteger, primary_key=True),
    Column("seq", BigInteger, primary_key=True),
    Column("message_id", Text, nullable=False),
    Column("payload", Text, nullable=False),
    Column("error_code", Text, nullable=False, server_default=""),
    Column("created_at", UtcTime, nullable=False),
)
Index("ix_stored_answer_created_at", stored_answer.c.created_at)

outbox = Table(
    "outbox",
    metadata,
    Column("id", AutoKey, primary_key=True),
    Column("exchange", Text, nullable=False),
    Column("routing_key", Text, nullable=False),
    Column("message_id", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("priority", Integer, nullable=False, server_default="0"),
    Column("headers", Text, nullable=False, server_default="{}"),  # JSON
    Column("expires_at", UtcTime),
    Column("created_at", UtcTime, nullable=False),
)

idempotency_key = Table(
    "idempotency_key",
    metadata,
    Column("scope", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("request_hash", Text, nullable=False),
    Column("status", Integer),
    Column("response", Text),
    Column("created_at", UtcTime, nullable=False),
)

counter = Table(
    "counter",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", BigInteger, nullable=False),
    CheckConstraint("value >= 0", name="not_negative"),
)
