"""The ledger's pure rules."""

import pytest

from stationmaster.kernel.errors import InsufficientFunds, Invalid
from stationmaster.wallet.model import AccountCode, Posting, Split, Transfer
from stationmaster.wallet.rules import accounts
from stationmaster.wallet.rules.postings import check_funds, check_posting, hash_of
from stationmaster.wallet.rules.settlement import Charge, receivers, settle
from stationmaster.wallet.rules.statement_text import text_of

WALLET, HOLD = accounts.wallet("d"), accounts.hold("d")


def a_posting(**values: object) -> Posting:
    given = {
        "kind": "credit",
        "key": "k",
        "actor": "operator:1",
        "transfers": [Transfer(accounts.BANK, WALLET, 100, "INR")],
        **values,
    }
    return Posting(**given)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("code", "side", "guarded"),
    [
        (WALLET, "C", True),
        (HOLD, "C", True),
        (accounts.organisation("o"), "C", False),
        (accounts.TAX, "C", False),
        (accounts.PLATFORM_FEE, "C", False),
        (accounts.receivable("d"), "D", False),
        (accounts.BANK, "D", False),
        (accounts.provider("razorpay"), "D", False),
        (accounts.organisation_loss("o"), "D", False),
        (accounts.OPENING, "C", False),
        (accounts.SUSPENSE, "C", False),
        (accounts.WRITE_OFF, "D", False),
        (accounts.FREE_CREDIT, "C", False),
    ],
)
def test_every_account_has_its_kind(code: AccountCode, side: str, guarded: bool) -> None:
    kind, owner = accounts.kind_of(code)
    assert (kind.normal_side, kind.guarded) == (side, guarded)
    assert code == (f"{kind.name}:{owner}" if owner else kind.name)


@pytest.mark.parametrize(
    "code", ["liability:wallet", "liability:wallet:", "asset:bank:x", "wallet:d", "", "a:b:c"]
)
def test_other_accounts_do_not_exist(code: str) -> None:
    with pytest.raises(Invalid):
        accounts.kind_of(AccountCode(code))


@pytest.mark.parametrize("amount", [0, -1, 10**14])
def test_an_amount_is_positive_and_of_this_world(amount: int) -> None:
    with pytest.raises(Invalid):
        check_posting(a_posting(transfers=[Transfer(accounts.BANK, WALLET, amount, "INR")]))


def test_what_is_moved_makes_the_hash_and_who_asked_does_not() -> None:
    assert hash_of(a_posting()) == hash_of(a_posting(actor="operator:2", reason="again", reference_id="x"))
    other = [Transfer(accounts.BANK, WALLET, 101, "INR")]
    assert hash_of(a_posting()) != hash_of(a_posting(transfers=other))
    assert hash_of(a_posting(fingerprint="f")) == hash_of(a_posting(fingerprint="f", transfers=other))
    assert hash_of(a_posting()) != hash_of(a_posting(session_id="s"))


def test_funds_are_walked_leg_by_leg() -> None:
    there_and_back = [Transfer(accounts.BANK, WALLET, 50, "INR"), Transfer(WALLET, HOLD, 50, "INR")]
    check_funds({WALLET: 0, HOLD: 0}, there_and_back)
    with pytest.raises(InsufficientFunds) as refused:
        check_funds({WALLET: 0, HOLD: 0}, list(reversed(there_and_back)))
    assert refused.value.params["missing_minor"] == 50


def test_a_split_goes_tax_first_and_leaves_out_nothing() -> None:
    assert receivers(Split(90, 10, 18), organisation_id="o") == [
        (accounts.TAX, 18),
        (accounts.PLATFORM_FEE, 10),
        (accounts.organisation("o"), 90),
    ]
    assert receivers(Split(90, 0, 0), organisation_id="o") == [(accounts.organisation("o"), 90)]


@pytest.mark.parametrize("available", [0, 5, 18, 28, 60, 118, 500])
def test_the_wallet_pays_what_it_can_and_the_rest_is_owed(available: int) -> None:
    over = Split(90, 10, 18)
    done = settle(Charge("d", "o", "INR", 0, Split(), over), available_minor=available)
    by = {
        payer: sum(t.amount_minor for t in done.transfers if t.debit == payer)
        for payer in (WALLET, accounts.receivable("d"))
    }
    assert by == {WALLET: min(available, 118), accounts.receivable("d"): max(0, 118 - available)}
    assert done.overrun_paid_minor == by[WALLET]
    for receiver, due in receivers(over, organisation_id="o"):
        assert sum(t.amount_minor for t in done.transfers if t.credit == receiver) == due
    assert all(t.amount_minor > 0 for t in done.transfers)


def test_what_returns_from_the_hold_pays_an_overrun_too() -> None:
    """Nobody should ask for both; if somebody does, nothing is owed while money returns."""
    done = settle(Charge("d", "o", "INR", 100, Split(60), Split(50)), available_minor=5)
    assert [(t.debit, t.amount_minor) for t in done.transfers] == [
        (HOLD, 60),
        (HOLD, 40),
        (WALLET, 45),
        (accounts.receivable("d"), 5),
    ]


def test_a_settlement_reads_by_its_sign() -> None:
    assert text_of("settle", amount_minor=10) != text_of("settle", amount_minor=-10)
