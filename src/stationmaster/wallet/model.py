"""Accounts, transfers, postings, holds, balances: frozen values, no I/O. Amounts are integer minor units."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NewType

AccountCode = NewType("AccountCode", str)


@dataclass(frozen=True, slots=True)
class Transfer:
    """One amount from one account to another. The pair is one value, so an imbalance cannot be expressed."""

    debit: AccountCode
    credit: AccountCode
    amount_minor: int
    currency: str


@dataclass(frozen=True, slots=True)
class Posting:
    """Transfers that become true together, once per ``key``.

    ``fingerprint`` replaces the transfers in what a repetition is compared by: for postings whose legs depend
    on the balances of the moment, so that a repetition still is the same request.
    """

    kind: str
    key: str
    transfers: Sequence[Transfer]
    actor: str
    session_id: str | None = None
    reference_id: str | None = None
    reason: str = ""
    fingerprint: str = ""


@dataclass(frozen=True, slots=True)
class Posted:
    """A posting in the ledger. ``is_replay``: it was there before."""

    id: int
    public_id: str
    is_replay: bool


@dataclass(frozen=True, slots=True)
class Split:
    """Who gets how much of a charge."""

    organisation_minor: int = 0
    fee_minor: int = 0
    tax_minor: int = 0

    def __post_init__(self) -> None:
        assert min(self.organisation_minor, self.fee_minor, self.tax_minor) >= 0, self

    @property
    def total_minor(self) -> int:
        return self.organisation_minor + self.fee_minor + self.tax_minor


@dataclass(frozen=True, slots=True)
class Hold:
    """Money of a driver set apart for a session."""

    id: str
    session_id: str
    generation: int
    driver_id: str
    amount: int
    captured: int
    released: int
    state: str
    expires_at: datetime
    created_at: datetime


@dataclass(frozen=True, slots=True)
class SettledHold:
    """Where a session's money went: taken from the hold, given back, and of the overrun what the wallet could
    pay and what is owed."""

    captured_minor: int
    released_minor: int
    overrun_paid_minor: int = 0
    overrun_owed_minor: int = 0

    @property
    def overrun_minor(self) -> int:
        return self.overrun_paid_minor + self.overrun_owed_minor


@dataclass(frozen=True, slots=True)
class Balance:
    """A driver's money. ``owed_minor`` is what charges cost beyond it: it blocks the next start."""

    available_minor: int
    held_minor: int
    currency: str
    owed_minor: int = 0


@dataclass(frozen=True, slots=True)
class StatementLine:
    """One posting as the driver's wallet saw it; ``amount_minor`` is signed."""

    id: int
    transaction_id: str
    kind: str
    text: str
    at: datetime
    amount_minor: int
    balance_before_minor: int
    balance_after_minor: int
    currency: str
    reference_id: str | None
    session_id: str | None
    reason: str
