"""The ledger (reliability 6.3). Triggers in the first migration refuse UPDATE and DELETE on the journal and keep the
counters of guarded accounts."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
)

from stationmaster.infra.db.metadata import AutoKey, UtcTime, metadata

# Guarded accounts (wallets, holds) carry counters and cannot cross zero on their normal side. Others are summed.
ledger_account = Table(
    "ledger_account",
    metadata,
    Column("id", AutoKey, primary_key=True),
    Column("code", Text, nullable=False, unique=True),  # e.g. liability:wallet:<driver>
    Column("kind", Text, nullable=False),
    Column("owner", Text, nullable=False, server_default=""),
    Column("normal_side", Text, nullable=False),  # D | C
    Column("currency", Text, nullable=False),
    Column("guarded", Boolean, nullable=False),
    Column("debits", BigInteger, nullable=False, server_default="0"),
    Column("credits", BigInteger, nullable=False, server_default="0"),
    Column("version", BigInteger, nullable=False, server_default="0"),
    CheckConstraint("normal_side IN ('D','C')", name="normal_side"),
    CheckConstraint(
        "NOT guarded OR (normal_side = 'C' AND credits >= debits) OR (normal_side = 'D' AND debits >= credits)",
        name="guarded_not_negative",
    ),
)

ledger_transaction = Table(
    "ledger_transaction",
    metadata,
    Column("id", AutoKey, primary_key=True),
    Column("public_id", Text, nullable=False, unique=True),
    Column("kind", Text, nullable=False),
    Column("idempotency_key", Text, nullable=False, unique=True),
    Column("request_hash", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("reason", Text, nullable=False, server_default=""),
    Column("reverses_id", BigInteger, ForeignKey("ledger_transaction.id", ondelete="RESTRICT"), unique=True),
    Column("session_id", Text),
    Column("reference_id", Text),  # what caused it
    Column("effective_at", UtcTime, nullable=False),
    Column("created_at", UtcTime, nullable=False),
)
Index("ix_ledger_transaction_session_id", ledger_transaction.c.session_id)

# The row is the pair: an imbalance cannot be written down.
ledger_transfer = Table(
    "ledger_transfer",
    metadata,
    Column("id", AutoKey, primary_key=True),
    Column(
        "transaction_id", BigInteger, ForeignKey("ledger_transaction.id", ondelete="RESTRICT"), nullable=False
    ),
    Column("leg", Integer, nullable=False),
    Column(
        "debit_account_id", BigInteger, ForeignKey("ledger_account.id", ondelete="RESTRICT"), nullable=False
    ),
    Column(
        "credit_account_id", BigInteger, ForeignKey("ledger_account.id", ondelete="RESTRICT"), nullable=False
    ),
    Column("amount", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    UniqueConstraint("transaction_id", "leg"),
    CheckConstraint("amount > 0", name="amount_positive"),
    CheckConstraint("debit_account_id <> credit_account_id", name="two_accounts"),
)
Index("ix_ledger_transfer_debit_account_id", ledger_transfer.c.debit_account_id, ledger_transfer.c.id)
Index("ix_ledger_transfer_credit_account_id", ledger_transfer.c.credit_account_id, ledger_transfer.c.id)

wallet_hold = Table(
    "wallet_hold",
    metadata,
    Column("id", Text, primary_key=True),
    Column("session_id", Text, nullable=False),
    Column("generation", Integer, nullable=False),
    Column("driver_id", Text, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("captured", BigInteger, nullable=False, server_default="0"),
    Column("released", BigInteger, nullable=False, server_default="0"),
    Column("state", Text, nullable=False, server_default="OPEN"),
    Column("expires_at", UtcTime, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    UniqueConstraint("session_id", "generation"),
    CheckConstraint("amount > 0 AND captured >= 0 AND released >= 0", name="positive"),
    CheckConstraint("captured + released <= amount", name="not_more_than_held"),
    CheckConstraint(
        "(state = 'OPEN') OR (state = 'SETTLED' AND captured + released = amount)", name="settled_adds_up"
    ),
)
