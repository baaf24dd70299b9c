"""May the holder of this idToken charge?"""

from dataclasses import dataclass
from datetime import datetime

from stationmaster.charging.model import Verdict


@dataclass(frozen=True, slots=True)
class KnownToken:
    """What identity says of an idToken."""

    status: str  # Accepted | Blocked
    expires_at: datetime | None
    is_paid_by_wallet: bool
    is_foreign: bool = False  # of an organisation whose stations these are not, and good for its own only


def authorise(
    token: KnownToken | None,
    *,
    now: datetime,
    spendable_minor: int,
    needed_minor: int,
    is_charging_elsewhere: bool,
) -> Verdict:
    """``spendable_minor`` is asked only of wallets: the other payers are good for it."""
    if token is None or token.is_foreign:
        return Verdict.INVALID
    if token.status != Verdict.ACCEPTED:
        return Verdict.BLOCKED
    if token.expires_at is not None and token.expires_at <= now:
        return Verdict.EXPIRED
    if is_charging_elsewhere:
        return Verdict.CONCURRENT
    if token.is_paid_by_wallet and spendable_minor < needed_minor:
        return Verdict.BLOCKED
    return Verdict.ACCEPTED
