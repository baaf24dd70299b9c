"""Which accounts are there, and on which side do they grow?

Guarded accounts (wallets, holds) carry counters and cannot go below zero; every posting on them takes their
row lock. The others are shared by everybody, so they are never locked: their balance is the sum of their
transfers.
"""

from dataclasses import dataclass
from typing import Final

from stationmaster.kernel.errors import Invalid
from stationmaster.wallet.model import AccountCode

BANK: Final = AccountCode("asset:bank")
PLATFORM_FEE: Final = AccountCode("income:platform_fee")
TAX: Final = AccountCode("liability:tax")
WRITE_OFF: Final = AccountCode("expense:writeoff")
OPENING: Final = AccountCode("equity:opening")
SUSPENSE: Final = AccountCode("suspense:payments")
FREE_CREDIT: Final = AccountCode("liability:free_credit")


def wallet(driver_id: str) -> AccountCode:
    """What a driver may spend."""
    return AccountCode(f"liability:wallet:{driver_id}")


def hold(driver_id: str) -> AccountCode:
    """What is set apart for the driver's running sessions."""
    return AccountCode(f"liability:hold:{driver_id}")


def receivable(driver_id: str) -> AccountCode:
    """What a driver owes us."""
    return AccountCode(f"asset:receivable:{driver_id}")


def organisation(organisation_id: str) -> AccountCode:
    """What we owe an organisation for its stations' energy."""
    return AccountCode(f"liability:org:{organisation_id}")


def organisation_loss(organisation_id: str) -> AccountCode:
    """Energy that nobody pays for, borne by whose station it was."""
    return AccountCode(f"expense:org_loss:{organisation_id}")


def provider(name: str) -> AccountCode:
    """Money at a payment provider, before it is in the bank."""
    return AccountCode(f"asset:psp:{name}")


@dataclass(frozen=True, slots=True)
class AccountKind:
    """``has_owner``: the code ends in whose account it is."""

    name: str
    normal_side: str
    guarded: bool
    has_owner: bool


_KINDS: Final = {
    kind.name: kind
    for kind in (
        AccountKind("asset:psp", "D", guarded=False, has_owner=True),
        AccountKind("asset:bank", "D", guarded=False, has_owner=False),
        AccountKind("asset:receivable", "D", guarded=False, has_owner=True),
        AccountKind("liability:wallet", "C", guarded=True, has_owner=True),
        AccountKind("liability:hold", "C", guarded=True, has_owner=True),
        AccountKind("liability:org", "C", guarded=False, has_owner=True),
        AccountKind("liability:tax", "C", guarded=False, has_owner=False),
        AccountKind("liability:free_credit", "C", guarded=False, has_owner=False),
        AccountKind("income:platform_fee", "C", guarded=False, has_owner=False),
        AccountKind("expense:writeoff", "D", guarded=False, has_owner=False),
        AccountKind("expense:org_loss", "D", guarded=False, has_owner=True),
        AccountKind("equity:opening", "C", guarded=False, has_owner=False),
        AccountKind("suspense:payments", "C", guarded=False, has_owner=False),
    )
}


def kind_of(code: AccountCode) -> tuple[AccountKind, str]:
    """The kind and the owner ("" where it has none). Raises Invalid for a code that is no account of ours."""
    words = code.split(":", 2)
    kind = _KINDS.get(":".join(words[:2]))
    owner = words[2] if len(words) == 3 else ""
    if kind is None or kind.has_owner != bool(owner):
        raise Invalid("unknown_account", f"There is no account {code!r}.")
    return kind, owner
