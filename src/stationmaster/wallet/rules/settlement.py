"""Who gets a charge's money, and from where?

From the hold as far as it goes, and what is left of the hold returns. What the charge cost beyond it comes
from the wallet's available money first, and the rest becomes a receivable (architecture 5). Tax is covered
before the fee, and the fee before the organisation: what is owed to the state never depends on a driver.
"""

from dataclasses import dataclass

from stationmaster.wallet.model import AccountCode, Split, Transfer
from stationmaster.wallet.rules import accounts


@dataclass(frozen=True, slots=True)
class Charge:
    """What is to be settled. ``overrun`` is what it cost beyond ``held_minor``."""

    driver_id: str
    organisation_id: str
    currency: str
    held_minor: int
    capture: Split
    overrun: Split

    @property
    def rest_minor(self) -> int:
        """What returns."""
        return self.held_minor - self.capture.total_minor

    @property
    def is_free(self) -> bool:
        return not (self.capture.total_minor or self.overrun.total_minor)


@dataclass(frozen=True, slots=True)
class Settlement:
    """The transfers, and how much of the overrun the wallet pays."""

    transfers: list[Transfer]
    overrun_paid_minor: int


def receivers(split: Split, *, organisation_id: str) -> list[tuple[AccountCode, int]]:
    """Where a split goes, tax first; nothing for nothing."""
    shares = [
        (accounts.TAX, split.tax_minor),
        (accounts.PLATFORM_FEE, split.fee_minor),
        (accounts.organisation(organisation_id), split.organisation_minor),
    ]
    return [(code, amount) for code, amount in shares if amount]


def settle(charge: Charge, *, available_minor: int) -> Settlement:
    """``available_minor`` is the wallet's, before anything returns to it."""
    hold, wallet = accounts.hold(charge.driver_id), accounts.wallet(charge.driver_id)
    transfers = [
        Transfer(hold, receiver, amount, charge.currency)
        for receiver, amount in receivers(charge.capture, organisation_id=charge.organisation_id)
    ]
    if charge.rest_minor:
        transfers.append(Transfer(hold, wallet, charge.rest_minor, charge.currency))
    overrun, paid_minor = _pay_overrun(charge, available_minor=available_minor + charge.rest_minor)
    return Settlement([*transfers, *overrun], paid_minor)


def _pay_overrun(charge: Charge, *, available_minor: int) -> tuple[list[Transfer], int]:
    wallet, receivable = accounts.wallet(charge.driver_id), accounts.receivable(charge.driver_id)
    left = available_minor
    transfers: list[Transfer] = []
    for receiver, amount in receivers(charge.overrun, organisation_id=charge.organisation_id):
        paid = min(left, amount)
        left -= paid
        if paid:
            transfers.append(Transfer(wallet, receiver, paid, charge.currency))
        if amount > paid:
            transfers.append(Transfer(receivable, receiver, amount - paid, charge.currency))
    return transfers, available_minor - left
