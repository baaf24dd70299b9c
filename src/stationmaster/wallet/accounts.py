"""Ledger accounts: made on demand, locked ascending by id, read after the lock."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import func, select

from stationmaster.infra.db.among import among
from stationmaster.infra.db.database import Reader, UnitOfWork
from stationmaster.kernel.errors import Refused
from stationmaster.wallet.model import AccountCode
from stationmaster.wallet.rules.accounts import kind_of
from stationmaster.wallet.tables import ledger_account, ledger_transfer


@dataclass(frozen=True, slots=True)
class Account:
    id: int
    code: AccountCode
    currency: str
    guarded: bool


async def find(reader: Reader, codes: Collection[AccountCode]) -> dict[AccountCode, Account]:
    """Those that exist."""
    rows = await reader.execute(
        select(
            ledger_account.c.id, ledger_account.c.code, ledger_account.c.currency, ledger_account.c.guarded
        ).where(among(ledger_account.c.code, sorted(codes)))
    )
    return {row.code: Account(row.id, AccountCode(row.code), row.currency, row.guarded) for row in rows.all()}


async def ensure(uow: UnitOfWork, wanted: Mapping[AccountCode, str]) -> dict[AccountCode, Account]:
    """The accounts of these codes and currencies, made where they were missing."""
    found = await find(uow, wanted)
    if missing := sorted(wanted.keys() - found.keys()):
        rows = [_new_row(code, wanted[code]) for code in missing]
        await uow.bulk_insert(ledger_account, rows, ignore_conflicts=True)
        found |= await find(uow, missing)
    for code, account in found.items():
        if account.currency != wanted[code]:
            raise Refused(
                "currency_mismatch", f"The account is kept in {account.currency}, not in {wanted[code]}."
            )
    return found


def _new_row(code: AccountCode, currency: str) -> dict[str, object]:
    kind, owner = kind_of(code)
    return {
        "code": code,
        "kind": kind.name,
        "owner": owner,
        "normal_side": kind.normal_side,
        "currency": currency,
        "guarded": kind.guarded,
    }


async def lock(uow: UnitOfWork, accounts: Iterable[Account]) -> dict[AccountCode, int]:
    """Lock the guarded ones of these and read what each can spend.

    One statement locks, ascending by id, and the next one reads: after a lock wait the locking statement
    itself would show what was there before it (reliability 6.1).
    """
    locked = sorted(account.id for account in accounts if account.guarded)
    if not locked:
        return {}
    here = among(ledger_account.c.id, locked)
    await uow.execute(uow.locked(select(ledger_account.c.id).where(here).order_by(ledger_account.c.id)))
    rows = await uow.execute(
        select(ledger_account.c.code, ledger_account.c.debits, ledger_account.c.credits).where(here)
    )
    return {AccountCode(row.code): row.credits - row.debits for row in rows.all()}


async def sum_of(reader: Reader, code: AccountCode) -> int:
    """Debits less credits of an account, by its transfers. Nothing where there is no account."""
    account = (await find(reader, [code])).get(code)
    if account is None:
        return 0
    debits = select(func.coalesce(func.sum(ledger_transfer.c.amount), 0)).where(
        ledger_transfer.c.debit_account_id == account.id
    )
    credits_ = select(func.coalesce(func.sum(ledger_transfer.c.amount), 0)).where(
        ledger_transfer.c.credit_account_id == account.id
    )
    return int((await reader.execute(select(debits.scalar_subquery() - credits_.scalar_subquery()))).scalar())
