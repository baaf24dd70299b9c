"""The ledger's triggers: the journal is never changed, and guarded accounts are counted as transfers are written
(reliability 6.3). The names in the messages are what callers see as the violated constraint.
"""

from alembic import op

JOURNAL = ("ledger_transaction", "ledger_transfer")


def create() -> None:
    statements = _POSTGRESQL if op.get_bind().dialect.name == "postgresql" else _SQLITE
    for statement in statements:
        op.execute(statement)


_POSTGRESQL = (
    """
    CREATE FUNCTION ledger_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'the journal is only appended to: % on % refused', TG_OP, TG_TABLE_NAME
            USING ERRCODE = 'restrict_violation', CONSTRAINT = TG_TABLE_NAME || '_append_only';
    END $$
    """,
    *(
        f"""
        CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}
        FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_change()
        """
        for table in JOURNAL
    ),
    # The lower id first, as every flow locks them: two opposite transfers cannot wait for each other.
    """
    CREATE FUNCTION ledger_count_transfer() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF EXISTS (SELECT FROM ledger_account WHERE id IN (NEW.debit_account_id, NEW.credit_account_id)
                   AND currency <> NEW.currency) THEN
            RAISE EXCEPTION 'a transfer has the currency of both of its accounts'
                USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_transfer_currency';
        END IF;
        IF NEW.debit_account_id < NEW.credit_account_id THEN
            UPDATE ledger_account SET debits = debits + NEW.amount, version = version + 1
                WHERE id = NEW.debit_account_id AND guarded;
            UPDATE ledger_account SET credits = credits + NEW.amount, version = version + 1
                WHERE id = NEW.credit_account_id AND guarded;
        ELSE
            UPDATE ledger_account SET credits = credits + NEW.amount, version = version + 1
                WHERE id = NEW.credit_account_id AND guarded;
            UPDATE ledger_account SET debits = debits + NEW.amount, version = version + 1
                WHERE id = NEW.debit_account_id AND guarded;
        END IF;
        RETURN NULL;
    END $$
    """,
    """
    CREATE TRIGGER ledger_transfer_counted AFTER INSERT ON ledger_transfer
    FOR EACH ROW EXECUTE FUNCTION ledger_count_transfer()
    """,
)

_SQLITE = (
    *(
        f"""
        CREATE TRIGGER {table}_no_{change.lower()} BEFORE {change} ON {table}
        BEGIN SELECT RAISE(ABORT, '{table}_append_only'); END
        """
        for table in JOURNAL
        for change in ("UPDATE", "DELETE")
    ),
    """
    CREATE TRIGGER ledger_transfer_counted AFTER INSERT ON ledger_transfer
    BEGIN
        SELECT RAISE(ABORT, 'ledger_transfer_currency') WHERE EXISTS (
            SELECT 1 FROM ledger_account WHERE id IN (NEW.debit_account_id, NEW.credit_account_id)
            AND currency <> NEW.currency);
        UPDATE ledger_account SET debits = debits + NEW.amount, version = version + 1
            WHERE id = NEW.debit_account_id AND guarded;
        UPDATE ledger_account SET credits = credits + NEW.amount, version = version + 1
            WHERE id = NEW.credit_account_id AND guarded;
    END
    """,
)
