"""What a driver has, and how it came to that."""

from datetime import datetime

import msgspec
from sqlalchemy import case, func, or_, select

from stationmaster.contracts.facts import WALLET_UPDATED, Fact
from stationmaster.infra.db.database import Reader, UnitOfWork
from stationmaster.kernel.clock import isoformat_z
from stationmaster.wallet import accounts
from stationmaster.wallet.model import Balance, Posted, StatementLine
from stationmaster.wallet.rules import accounts as codes
from stationmaster.wallet.rules.statement_text import text_of
from stationmaster.wallet.tables import ledger_account, ledger_transaction, ledger_transfer

DEFAULT_CURRENCY = "INR"
STATEMENT_PAGE = 50


async def balance(reader: Reader, driver_id: str) -> Balance:
    """Zero for a driver who never had money."""
    wallet, hold = codes.wallet(driver_id), codes.hold(driver_id)
    rows = await reader.execute(
        select(
            ledger_account.c.code,
            ledger_account.c.currency,
            (ledger_account.c.credits - ledger_account.c.debits).label("minor"),
        ).where(ledger_account.c.code.in_([wallet, hold]))
    )
    found = {row.code: row for row in rows.all()}
    return Balance(
        available_minor=found[wallet].minor if wallet in found else 0,
        held_minor=found[hold].minor if hold in found else 0,
        currency=next((row.currency for row in found.values()), DEFAULT_CURRENCY),
        owed_minor=await owed_minor(reader, driver_id),
    )


async def owed_minor(reader: Reader, driver_id: str) -> int:
    """What the driver's charges cost beyond what there was."""
    return await accounts.sum_of(reader, codes.receivable(driver_id))


async def statement(
    reader: Reader, driver_id: str, *, before: int | None = None, limit: int = STATEMENT_PAGE
) -> list[StatementLine]:
    """Newest first, one line per posting, each with the balance before and after it.

    The running balance is summed over the wallet's whole history in the same statement that reads the lines,
    so it cannot disagree with them. ``before``: only lines older than the line of this id.
    """
    account = (await accounts.find(reader, [codes.wallet(driver_id)])).get(codes.wallet(driver_id))
    if account is None:
        return []
    signed = case(
        (ledger_transfer.c.credit_account_id == account.id, ledger_transfer.c.amount),
        else_=-ledger_transfer.c.amount,
    )
    moved = (
        select(ledger_transfer.c.transaction_id.label("id"), func.sum(signed).label("amount"))
        .where(
            or_(
                ledger_transfer.c.credit_account_id == account.id,
                ledger_transfer.c.debit_account_id == account.id,
            )
        )
        .group_by(ledger_transfer.c.transaction_id)
        .cte("moved")
    )
    running = select(
        moved.c.id, moved.c.amount, func.sum(moved.c.amount).over(order_by=moved.c.id).label("after")
    ).cte("running")
    query = (
        select(running.c.amount, running.c.after, *_LINE)
        .join(ledger_transaction, ledger_transaction.c.id == running.c.id)
        .order_by(running.c.id.desc())
        .limit(limit)
    )
    if before is not None:
        query = query.where(running.c.id < before)
    rows = (await reader.execute(query)).all()
    return [_line(int(row.amount), int(row.after), account.currency, *list(row)[2:]) for row in rows]


_LINE = (
    ledger_transaction.c.id,
    ledger_transaction.c.public_id,
    ledger_transaction.c.kind,
    ledger_transaction.c.effective_at,
    ledger_transaction.c.reference_id,
    ledger_transaction.c.session_id,
    ledger_transaction.c.reason,
)


def _line(
    amount: int,
    after: int,
    currency: str,
    id_: int,
    public_id: str,
    kind: str,
    at: datetime,
    reference_id: str | None,
    session_id: str | None,
    reason: str,
) -> StatementLine:
    return StatementLine(
        id=id_,
        transaction_id=public_id,
        kind=kind,
        text=text_of(kind, amount_minor=amount),
        at=at,
        amount_minor=amount,
        balance_before_minor=after - amount,
        balance_after_minor=after,
        currency=currency,
        reference_id=reference_id,
        session_id=session_id,
        reason=reason,
    )


async def announce(uow: UnitOfWork, driver_id: str, posted: Posted, *, now: datetime) -> None:
    """Tell the driver's screens. Postings on one wallet are behind its lock, so their ids are its
    sequence."""
    if posted.is_replay:
        return
    have = await balance(uow, driver_id)
    data = {
        "availableMinor": have.available_minor,
        "heldMinor": have.held_minor,
        "owedMinor": have.owed_minor,
        "currency": have.currency,
    }
    uow.announce(
        Fact(
            id=f"wallet:{driver_id}:{posted.id}",
            type=WALLET_UPDATED,
            at=isoformat_z(now),
            sequence=posted.id,
            driver_id=driver_id,
            data=msgspec.Raw(msgspec.json.encode(data)),
        )
    )
