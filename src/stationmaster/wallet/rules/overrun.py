"""Who pays what a charge cost beyond its hold?

The wallet's available money first, the rest becomes a receivable (architecture 5). Tax is covered before the
fee, and the fee before the organisation, so that what is owed to the state never depends on a driver's
solvency.
"""

from stationmaster.wallet.model import AccountCode, Split, Transfer
from stationmaster.wallet.rules import accounts


def receivers(split: Split, *, organisation_id: str) -> list[tuple[AccountCode, int]]:
    """Where a split goes, tax first; nothing for nothing."""
    shares = [
        (accounts.TAX, split.tax_minor),
        (accounts.PLATFORM_FEE, split.fee_minor),
        (accounts.organisation(organisation_id), split.organisation_minor),
    ]
    return [(code, amount) for code, amount in shares if amount]


def pay_overrun(
    split: Split, *, driver_id: str, organisation_id: str, available_minor: int, currency: str
) -> tuple[list[Transfer], int]:
    """The transfers, and how much of them the wallet pays."""
    left = available_minor
    transfers: list[Transfer] = []
    for receiver, amount in receivers(split, organisation_id=organisation_id):
        paid = min(left, amount)
        left -= paid
        if paid:
            transfers.append(Transfer(accounts.wallet(driver_id), receiver, paid, currency))
        if amount > paid:
            transfers.append(Transfer(accounts.receivable(driver_id), receiver, amount - paid, currency))
    return transfers, available_minor - left
