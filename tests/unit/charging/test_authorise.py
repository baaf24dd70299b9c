"""What the holder of an idToken is told."""

from datetime import UTC, datetime, timedelta

import pytest

from stationmaster.charging.model import Verdict
from stationmaster.charging.rules.authorise import KnownToken, authorise

NOW = datetime(2026, 1, 1, tzinfo=UTC)
CARD = KnownToken("Accepted", None, is_paid_by_wallet=True)


@pytest.mark.parametrize(
    ("token", "money", "elsewhere", "verdict"),
    [
        (CARD, 1000, False, Verdict.ACCEPTED),
        (CARD, 999, False, Verdict.BLOCKED),
        (CARD, 1000, True, Verdict.CONCURRENT),
        (None, 1000, False, Verdict.INVALID),
        (KnownToken("Blocked", None, is_paid_by_wallet=True), 1000, False, Verdict.BLOCKED),
        (KnownToken("Accepted", NOW, is_paid_by_wallet=True), 1000, False, Verdict.EXPIRED),
        (
            KnownToken("Accepted", NOW + timedelta(seconds=1), is_paid_by_wallet=True),
            1000,
            False,
            Verdict.ACCEPTED,
        ),
        (KnownToken("Accepted", None, is_paid_by_wallet=False), 0, False, Verdict.ACCEPTED),
    ],
)
def test_verdicts(token: KnownToken | None, money: int, elsewhere: bool, verdict: Verdict) -> None:
    found = authorise(
        token, now=NOW, spendable_minor=money, needed_minor=1000, is_charging_elsewhere=elsewhere
    )
    assert found is verdict
