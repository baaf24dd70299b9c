"""An operator puts money into a driver's wallet: cash at the desk, a bank transfer, goodwill."""

from datetime import datetime

from stationmaster.infra.db.database import UnitOfWork
from stationmaster.kernel.ids import IdSource
from stationmaster.wallet import accounts as ledger_accounts
from stationmaster.wallet import ledger, wallets
from stationmaster.wallet.model import Posted, Posting, Transfer
from stationmaster.wallet.rules import accounts


async def credit(
    uow: UnitOfWork,
    *,
    driver_id: str,
    amount_minor: int,
    currency: str,
    reason: str,
    actor: str,
    key: str,
    now: datetime,
    ids: IdSource,
) -> Posted:
    """What the driver owes is paid first (architecture 5), the rest may be spent."""
    wallet = accounts.wallet(driver_id)
    await ledger.lock(uow, {wallet: currency})
    owed = await ledger_accounts.sum_of(uow, accounts.receivable(driver_id))
    repaid = max(0, min(owed, amount_minor))
    posting = Posting(
        kind="credit",
        key=f"credit:{key}",
        transfers=_transfers(driver_id, amount_minor=amount_minor, repaid_minor=repaid, currency=currency),
        actor=actor,
        reason=reason,
        fingerprint=f"{driver_id} {amount_minor} {currency}",
    )
    posted = await ledger.post(uow, posting, now=now, ids=ids)
    await wallets.announce(uow, driver_id, posted, now=now)
    return posted


def _transfers(driver_id: str, *, amount_minor: int, repaid_minor: int, currency: str) -> list[Transfer]:
    """The whole amount shows on the wallet, and what was owed leaves it at once: that is what a driver
    understands."""
    wallet = accounts.wallet(driver_id)
    transfers = [Transfer(accounts.BANK, wallet, amount_minor, currency)]
    if repaid_minor:
        transfers.append(Transfer(wallet, accounts.receivable(driver_id), repaid_minor, currency))
    return transfers
