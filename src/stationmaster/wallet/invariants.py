"""What must always be true of the ledger (reliability 6.5), each as a function that lists what is not.

Asserted after property runs, after simulation and chaos, by the doctor, and every few minutes in production.
I5 to I7 are here as far as the wallet knows of sessions; the charging room checks its half.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, Select, and_, case, cast, func, or_, select

from stationmaster.infra.db.database import Reader
from stationmaster.wallet.rules.postings import KINDS
from stationmaster.wallet.tables import ledger_account, ledger_transaction, ledger_transfer, wallet_hold

OVERDUE = timedelta(hours=1)
"""How long an open hold may outlive its expiry before somebody should look (I5)."""


@dataclass(frozen=True, slots=True)
class Breach:
    """An invariant that does not hold, and for what."""

    invariant: str
    subject: str
    detail: str


Check = Callable[[Reader], Awaitable[list[Breach]]]


def _sums() -> Select[Any]:
    """Debits and credits of every account, counted again from the journal."""
    sides = (
        select(
            ledger_transfer.c.debit_account_id.label("id"), ledger_transfer.c.amount.label("debits"), _zero()
        )
        .union_all(
            select(ledger_transfer.c.credit_account_id, _zero(), ledger_transfer.c.amount.label("credits"))
        )
        .subquery()
    )
    _, debits, credits_ = sides.columns
    return select(
        sides.c.id,
        cast(func.sum(debits), BigInteger).label("debits"),
        cast(func.sum(credits_), BigInteger).label("credits"),
    ).group_by(sides.c.id)


def _zero() -> Any:
    return cast(0, BigInteger)


async def books_balance(reader: Reader) -> list[Breach]:
    """I1, I11: guarded accounts by their counters and the others by their sums close to zero, per
    currency."""
    sums = _sums().subquery()
    debits = case((ledger_account.c.guarded, ledger_account.c.debits), else_=func.coalesce(sums.c.debits, 0))
    credits_ = case(
        (ledger_account.c.guarded, ledger_account.c.credits), else_=func.coalesce(sums.c.credits, 0)
    )
    rows = await reader.execute(
        select(
            ledger_account.c.currency, func.sum(debits).label("debits"), func.sum(credits_).label("credits")
        )
        .select_from(ledger_account.outerjoin(sums, sums.c.id == ledger_account.c.id))
        .group_by(ledger_account.c.currency)
    )
    return [
        Breach("I1", row.currency, f"debits {row.debits}, credits {row.credits}")
        for row in rows.all()
        if row.debits != row.credits
    ]


async def currencies_agree(reader: Reader) -> list[Breach]:
    """I1: a transfer has the currency of both of its accounts, and moves something."""
    wrong = or_(ledger_account.c.currency != ledger_transfer.c.currency, ledger_transfer.c.amount <= 0)
    either = or_(
        ledger_account.c.id == ledger_transfer.c.debit_account_id,
        ledger_account.c.id == ledger_transfer.c.credit_account_id,
    )
    rows = await reader.execute(
        select(ledger_transfer.c.id, ledger_account.c.code).join(ledger_account, either).where(wrong)
    )
    return [Breach("I1", f"transfer {row.id}", f"does not fit {row.code}") for row in rows.all()]


async def counters_are_sums(reader: Reader) -> list[Breach]:
    """I2: the counters of guarded accounts equal their transfers."""
    sums = _sums().subquery()
    debits, credits_ = func.coalesce(sums.c.debits, 0), func.coalesce(sums.c.credits, 0)
    rows = await reader.execute(
        select(
            ledger_account.c.code,
            ledger_account.c.debits,
            ledger_account.c.credits,
            debits.label("summed_debits"),
            credits_.label("summed_credits"),
        )
        .select_from(ledger_account.outerjoin(sums, sums.c.id == ledger_account.c.id))
        .where(
            ledger_account.c.guarded,
            or_(ledger_account.c.debits != debits, ledger_account.c.credits != credits_),
        )
    )
    return [
        Breach(
            "I2",
            row.code,
            f"counted {row.debits}/{row.credits}, summed {row.summed_debits}/{row.summed_credits}",
        )
        for row in rows.all()
    ]


async def nothing_below_zero(reader: Reader) -> list[Breach]:
    """I3: no guarded account below zero, by its transfers."""
    sums = _sums().subquery()
    signed = case(
        (ledger_account.c.normal_side == "C", sums.c.credits - sums.c.debits),
        else_=sums.c.debits - sums.c.credits,
    )
    rows = await reader.execute(
        select(ledger_account.c.code, signed.label("minor"))
        .join(sums, sums.c.id == ledger_account.c.id)
        .where(ledger_account.c.guarded, signed < 0)
    )
    return [Breach("I3", row.code, f"stands at {row.minor}") for row in rows.all()]


async def holds_are_held(reader: Reader) -> list[Breach]:
    """I4: a hold account holds exactly what its holds have not captured or released."""
    open_minor = wallet_hold.c.amount - wallet_hold.c.captured - wallet_hold.c.released
    owned = (
        select(wallet_hold.c.driver_id, cast(func.sum(open_minor), BigInteger).label("minor"))
        .group_by(wallet_hold.c.driver_id)
        .subquery()
    )
    stands = ledger_account.c.credits - ledger_account.c.debits
    expected = func.coalesce(owned.c.minor, 0)
    rows = await reader.execute(
        select(ledger_account.c.code, stands.label("stands"), expected.label("expected"))
        .select_from(ledger_account.outerjoin(owned, owned.c.driver_id == ledger_account.c.owner))
        .where(ledger_account.c.kind == "liability:hold", stands != expected)
    )
    return [Breach("I4", row.code, f"holds {row.stands}, holds say {row.expected}") for row in rows.all()]


def no_hold_overdue(now: datetime) -> Check:
    """I5: no open hold long past its expiry."""

    async def check(reader: Reader) -> list[Breach]:
        rows = await reader.execute(
            select(wallet_hold.c.session_id, wallet_hold.c.expires_at).where(
                wallet_hold.c.state == "OPEN", wallet_hold.c.expires_at < now - OVERDUE
            )
        )
        return [
            Breach("I5", row.session_id, f"hold open, expired {row.expires_at.isoformat()}")
            for row in rows.all()
        ]

    return check


async def holds_settle_as_booked(reader: Reader) -> list[Breach]:
    """I6, I7: what left the hold account for a session is what its holds say was captured and released."""
    holds = (
        select(
            wallet_hold.c.session_id,
            cast(func.sum(wallet_hold.c.captured), BigInteger).label("captured"),
            cast(func.sum(wallet_hold.c.released), BigInteger).label("released"),
        )
        .group_by(wallet_hold.c.session_id)
        .subquery()
    )
    booked = _left_holds().subquery()
    captured = func.coalesce(booked.c.captured, 0)
    released = func.coalesce(booked.c.released, 0)
    rows = await reader.execute(
        select(holds, captured.label("booked_captured"), released.label("booked_released"))
        .select_from(holds.outerjoin(booked, booked.c.session_id == holds.c.session_id))
        .where(or_(holds.c.captured != captured, holds.c.released != released))
    )
    return [
        Breach(
            "I6",
            row.session_id,
            f"captured {row.captured}, booked {row.booked_captured};"
            f" released {row.released}, booked {row.booked_released}",
        )
        for row in rows.all()
    ]


def _left_holds() -> Select[Any]:
    """Per session: from hold accounts to anybody, and back to wallets."""
    source, target = ledger_account.alias("source"), ledger_account.alias("target")
    is_back = target.c.kind == "liability:wallet"
    return (
        select(
            ledger_transaction.c.session_id,
            cast(func.sum(case((is_back, 0), else_=ledger_transfer.c.amount)), BigInteger).label("captured"),
            cast(func.sum(case((is_back, ledger_transfer.c.amount), else_=0)), BigInteger).label("released"),
        )
        .select_from(ledger_transfer)
        .join(ledger_transaction, ledger_transaction.c.id == ledger_transfer.c.transaction_id)
        .join(
            source,
            and_(source.c.id == ledger_transfer.c.debit_account_id, source.c.kind == "liability:hold"),
        )
        .join(target, target.c.id == ledger_transfer.c.credit_account_id)
        .group_by(ledger_transaction.c.session_id)
    )


async def postings_are_somebodys(reader: Reader) -> list[Breach]:
    """I12: every posting has a known kind, an actor and at least one transfer."""
    has_transfer = (
        select(ledger_transfer.c.id)
        .where(ledger_transfer.c.transaction_id == ledger_transaction.c.id)
        .exists()
    )
    rows = await reader.execute(
        select(ledger_transaction.c.public_id, ledger_transaction.c.kind).where(
            or_(
                ledger_transaction.c.kind.not_in(sorted(KINDS)),
                ledger_transaction.c.actor == "",
                ~has_transfer,
            )
        )
    )
    return [Breach("I12", row.public_id, f"kind {row.kind!r}") for row in rows.all()]


async def breaches(reader: Reader, *, now: datetime) -> list[Breach]:
    """All of them; empty is good."""
    checks: list[Check] = [
        books_balance,
        currencies_agree,
        counters_are_sums,
        nothing_below_zero,
        holds_are_held,
        no_hold_overdue(now),
        holds_settle_as_booked,
        postings_are_somebodys,
    ]
    return [breach for check in checks for breach in await check(reader)]
