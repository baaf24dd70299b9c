"""Is this posting well-formed, is it the same one as before, and can its accounts afford it?"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Final

from stationmaster.kernel.errors import InsufficientFunds, Invalid
from stationmaster.wallet.model import AccountCode, Posting, Transfer

KINDS: Final = frozenset(
    {"credit", "hold", "release", "settle", "organisation_pays", "reverse", "topup", "opening"}
)
AMOUNT_MAX_MINOR: Final = 10**13
TEXT_MAX: Final = 200
KEY_MAX: Final = 400


def check_posting(posting: Posting) -> None:
    """Raises Invalid for what may come from outside, asserts what only we can get wrong."""
    assert posting.kind in KINDS, posting.kind
    assert posting.actor, "every posting is somebody's"
    assert posting.key, "every posting has its key"
    assert posting.transfers, "a posting moves something"
    if len(posting.key) > KEY_MAX or len(posting.reason) > TEXT_MAX:
        raise Invalid("too_long", f"Reasons have at most {TEXT_MAX} characters, keys {KEY_MAX}.")
    for transfer in posting.transfers:
        if not 0 < transfer.amount_minor <= AMOUNT_MAX_MINOR:
            raise Invalid(
                "bad_amount", "An amount is positive and of this world.", amount=transfer.amount_minor
            )
        if transfer.debit == transfer.credit:
            raise Invalid("same_account", "An amount moves between two accounts.")


def hash_of(posting: Posting) -> str:
    """What makes a repetition the same request. Who asked and why may differ; what is moved may not."""
    moved = posting.fingerprint or [
        [transfer.debit, transfer.credit, transfer.amount_minor, transfer.currency]
        for transfer in posting.transfers
    ]
    text = json.dumps([posting.kind, posting.session_id, moved], separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def check_funds(spendable: Mapping[AccountCode, int], transfers: Sequence[Transfer]) -> None:
    """Walk the legs in order, as the database will. ``spendable`` holds the guarded accounts; they are all
    liabilities, so a debit takes and a credit gives."""
    left = dict(spendable)
    for transfer in transfers:
        if transfer.debit in left:
            left[transfer.debit] -= transfer.amount_minor
            if left[transfer.debit] < 0:
                raise InsufficientFunds(
                    "insufficient_funds",
                    "There is not enough money for this.",
                    available_minor=max(0, spendable[transfer.debit]),
                    missing_minor=-left[transfer.debit],
                    currency=transfer.currency,
                )
        if transfer.credit in left:
            left[transfer.credit] += transfer.amount_minor
