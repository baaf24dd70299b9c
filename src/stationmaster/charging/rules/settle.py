"""What does a finished session cost, and whose money is it?

Tax first, then the platform's fee, the rest is the organisation's: fee = round half up (net x bps / 10000),
rounded once; organisation = net - fee (architecture 5). What the hold covers is captured, what it does not is
overrun, the rest of the hold is released.
"""

from dataclasses import dataclass

from stationmaster.kernel.money import share_bps


@dataclass(frozen=True, slots=True)
class Shares:
    """Who gets how much; integers that add up."""

    organisation_minor: int = 0
    fee_minor: int = 0
    tax_minor: int = 0

    @property
    def total_minor(self) -> int:
        return self.organisation_minor + self.fee_minor + self.tax_minor

    def minus(self, other: "Shares") -> "Shares":
        return Shares(
            self.organisation_minor - other.organisation_minor,
            self.fee_minor - other.fee_minor,
            self.tax_minor - other.tax_minor,
        )


@dataclass(frozen=True, slots=True)
class Settlement:
    """captured + overrun = shares; captured + released = held."""

    shares: Shares
    captured: Shares
    overrun: Shares
    released_minor: int


def shares_of(*, net_minor: int, tax_minor: int, fee_bps: int) -> Shares:
    """How a price is divided."""
    assert min(net_minor, tax_minor) >= 0, "a price is never negative"
    fee = share_bps(net_minor, fee_bps)
    return Shares(organisation_minor=net_minor - fee, fee_minor=fee, tax_minor=tax_minor)


def settle(*, net_minor: int, tax_minor: int, fee_bps: int, held_minor: int) -> Settlement:
    """Divide a price over what was held for it and what was not."""
    shares = shares_of(net_minor=net_minor, tax_minor=tax_minor, fee_bps=fee_bps)
    captured = _covered(shares, min(shares.total_minor, held_minor))
    return Settlement(
        shares=shares,
        captured=captured,
        overrun=shares.minus(captured),
        released_minor=held_minor - captured.total_minor,
    )


def _covered(shares: Shares, money_minor: int) -> Shares:
    """The part of the shares that the money covers: tax first, then the fee, then the organisation."""
    tax = min(shares.tax_minor, money_minor)
    fee = min(shares.fee_minor, money_minor - tax)
    organisation = min(shares.organisation_minor, money_minor - tax - fee)
    return Shares(organisation, fee, tax)
