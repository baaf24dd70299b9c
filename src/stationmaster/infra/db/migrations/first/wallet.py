"""Tables of the ledger, as the first revision makes them. Frozen: changes are later revisions."""

import sqlalchemy as sa
from alembic import op

from stationmaster.infra.db.migrations.first import ledger_guards
from stationmaster.infra.db.migrations.first.types import KEY, TIME


def create() -> None:
    op.create_table(
        "ledger_account",
        sa.Column("id", KEY, nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False, server_default=""),
        sa.Column("normal_side", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("guarded", sa.Boolean(), nullable=False),
        sa.Column("debits", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("credits", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("version", sa.BigInteger(), nullable=False, server_default="0"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_account")),
        sa.UniqueConstraint("code", name=op.f("uq_ledger_account_code")),
        sa.CheckConstraint(
            "NOT guarded OR (normal_side = 'C' AND credits >= debits) OR (normal_side = "
            "'D' AND debits >= credits)",
            name=op.f("ck_ledger_account_guarded_not_negative"),
        ),
        sa.CheckConstraint("normal_side IN ('D','C')", name=op.f("ck_ledger_account_normal_side")),
    )
    op.create_table(
        "ledger_transaction",
        sa.Column("id", KEY, nullable=False),
        sa.Column("public_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("idempotency_key", sa.Text(), nullable=False),
        sa.Column("request_hash", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False, server_default=""),
        sa.Column("reverses_id", sa.BigInteger()),
        sa.Column("session_id", sa.Text()),
        sa.Column("reference_id", sa.Text()),
        sa.Column("effective_at", TIME, nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_transaction")),
        sa.UniqueConstraint("idempotency_key", name=op.f("uq_ledger_transaction_idempotency_key")),
        sa.UniqueConstraint("public_id", name=op.f("uq_ledger_transaction_public_id")),
        sa.UniqueConstraint("reverses_id", name=op.f("uq_ledger_transaction_reverses_id")),
        sa.ForeignKeyConstraint(
            ["reverses_id"],
            ["ledger_transaction.id"],
            name=op.f("fk_ledger_transaction_reverses_id"),
            ondelete="RESTRICT",
        ),
    )
    op.create_index(op.f("ix_ledger_transaction_session_id"), "ledger_transaction", ["session_id"])
    op.create_table(
        "wallet_hold",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("session_id", sa.Text(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("driver_id", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("captured", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("released", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("state", sa.Text(), nullable=False, server_default="OPEN"),
        sa.Column("expires_at", TIME, nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_wallet_hold")),
        sa.UniqueConstraint("session_id", "generation", name=op.f("uq_wallet_hold_session_id_generation")),
        sa.CheckConstraint("captured + released <= amount", name=op.f("ck_wallet_hold_not_more_than_held")),
        sa.CheckConstraint(
            "amount > 0 AND captured >= 0 AND released >= 0", name=op.f("ck_wallet_hold_positive")
        ),
        sa.CheckConstraint(
            "(state = 'OPEN') OR (state = 'SETTLED' AND captured + released = amount)",
            name=op.f("ck_wallet_hold_settled_adds_up"),
        ),
    )
    op.create_table(
        "ledger_transfer",
        sa.Column("id", KEY, nullable=False),
        sa.Column("transaction_id", sa.BigInteger(), nullable=False),
        sa.Column("leg", sa.Integer(), nullable=False),
        sa.Column("debit_account_id", sa.BigInteger(), nullable=False),
        sa.Column("credit_account_id", sa.BigInteger(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_transfer")),
        sa.UniqueConstraint("transaction_id", "leg", name=op.f("uq_ledger_transfer_transaction_id_leg")),
        sa.ForeignKeyConstraint(
            ["credit_account_id"],
            ["ledger_account.id"],
            name=op.f("fk_ledger_transfer_credit_account_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["debit_account_id"],
            ["ledger_account.id"],
            name=op.f("fk_ledger_transfer_debit_account_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["transaction_id"],
            ["ledger_transaction.id"],
            name=op.f("fk_ledger_transfer_transaction_id"),
            ondelete="RESTRICT",
        ),
        sa.CheckConstraint("amount > 0", name=op.f("ck_ledger_transfer_amount_positive")),
        sa.CheckConstraint(
            "debit_account_id <> credit_account_id", name=op.f("ck_ledger_transfer_two_accounts")
        ),
    )
    op.create_index(
        op.f("ix_ledger_transfer_credit_account_id"), "ledger_transfer", ["credit_account_id", "id"]
    )
    op.create_index(
        op.f("ix_ledger_transfer_debit_account_id"), "ledger_transfer", ["debit_account_id", "id"]
    )
    ledger_guards.create()
