"""The one way money moves: a posting, once per key, all of it or nothing.

Order of locks: guarded accounts ascending, then the key. A concurrent posting of the same key makes the
insert wait, and then it is a replay. The accounts' CHECK in the database is what makes an overdraft
impossible; the look before only makes the refusal friendly and leaves the unit of work usable.
"""

from datetime import datetime

from sqlalchemy import func, select

from stationmaster.infra.db.database import Reader, UnitOfWork
from stationmaster.infra.db.errors import Violation
from stationmaster.kernel.errors import InsufficientFunds, Refused
from stationmaster.kernel.ids import IdSource
from stationmaster.wallet import accounts
from stationmaster.wallet.accounts import Account
from stationmaster.wallet.model import AccountCode, Posted, Posting, Transfer
from stationmaster.wallet.rules.postings import check_funds, check_posting, hash_of
from stationmaster.wallet.tables import ledger_account, ledger_transaction, ledger_transfer

GUARD = "guarded_not_negative"


async def post(uow: UnitOfWork, posting: Posting, *, now: datetime, ids: IdSource) -> Posted:
    """Same key and same content: the first result. Same key, other content: Refused. Raises
    InsufficientFunds."""
    check_posting(posting)
    involved = await accounts.ensure(uow, _codes(posting))
    spendable = await accounts.lock(uow, involved.values())
    if (known := await replayed(uow, posting)) is not None:
        return known
    check_funds(spendable, posting.transfers)
    public_id = ids.new("txn")
    await uow.bulk_insert(
        ledger_transaction, [_transaction_row(posting, public_id, now)], ignore_conflicts=True
    )
    posted = await replayed(uow, posting)
    assert posted is not None, "a key that was just inserted or waited for is there"
    if posted.public_id != public_id:
        return posted
    await _insert_transfers(uow, posted.id, posting, involved)
    return Posted(posted.id, posted.public_id, is_replay=False)


async def replayed(reader: Reader, posting: Posting) -> Posted | None:
    """What this key stands for already. Raises Refused when it stands for something else."""
    row = (
        await reader.execute(
            select(
                ledger_transaction.c.id, ledger_transaction.c.public_id, ledger_transaction.c.request_hash
            ).where(ledger_transaction.c.idempotency_key == posting.key)
        )
    ).first()
    if row is None:
        return None
    if row.request_hash != hash_of(posting):
        raise Refused("idempotency_mismatch", "This key was used before, for something else.")
    return Posted(row.id, row.public_id, is_replay=True)


async def lock(uow: UnitOfWork, codes: dict[AccountCode, str]) -> dict[AccountCode, int]:
    """Lock guarded accounts (code to currency) and learn what each can spend, before deciding what to
    post."""
    return await accounts.lock(uow, (await accounts.ensure(uow, codes)).values())


async def find_by_key(reader: Reader, key: str) -> Posted | None:
    """The posting of a key, whatever it moved."""
    row = (
        await reader.execute(
            select(ledger_transaction.c.id, ledger_transaction.c.public_id).where(
                ledger_transaction.c.idempotency_key == key
            )
        )
    ).first()
    return None if row is None else Posted(row.id, row.public_id, is_replay=True)


async def debits_by_kind(reader: Reader, posted: Posted) -> dict[str, int]:
    """How much a posting took from each kind of account."""
    rows = await reader.execute(
        select(ledger_account.c.kind, func.sum(ledger_transfer.c.amount).label("amount"))
        .join(ledger_transfer, ledger_transfer.c.debit_account_id == ledger_account.c.id)
        .where(ledger_transfer.c.transaction_id == posted.id)
        .group_by(ledger_account.c.kind)
    )
    return {row.kind: int(row.amount) for row in rows.all()}


def _codes(posting: Posting) -> dict[AccountCode, str]:
    codes: dict[AccountCode, str] = {}
    for transfer in posting.transfers:
        codes[transfer.debit] = codes[transfer.credit] = transfer.currency
    return codes


def _transaction_row(posting: Posting, public_id: str, now: datetime) -> dict[str, object]:
    return {
        "public_id": public_id,
        "kind": posting.kind,
        "idempotency_key": posting.key,
        "request_hash": hash_of(posting),
        "actor": posting.actor,
        "reason": posting.reason,
        "session_id": posting.session_id,
        "reference_id": posting.reference_id,
        "effective_at": now,
        "created_at": now,
    }


async def _insert_transfers(
    uow: UnitOfWork, transaction_id: int, posting: Posting, involved: dict[AccountCode, Account]
) -> None:
    rows = [
        _transfer_row(transaction_id, leg, transfer, involved)
        for leg, transfer in enumerate(posting.transfers, start=1)
    ]
    try:
        await uow.bulk_insert(ledger_transfer, rows)
    except Violation as error:
        if GUARD in error.constraint:
            raise InsufficientFunds("insufficient_funds", "There is not enough money for this.") from error
        raise


def _transfer_row(
    transaction_id: int, leg: int, transfer: Transfer, involved: dict[AccountCode, Account]
) -> dict[str, object]:
    return {
        "transaction_id": transaction_id,
        "leg": leg,
        "debit_account_id": involved[transfer.debit].id,
        "credit_account_id": involved[transfer.credit].id,
        "amount": transfer.amount_minor,
        "currency": transfer.currency,
    }
