"""What a charge costs."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stationmaster.tariffs.model import TariffTerms, Usage
from stationmaster.tariffs.rules.price import price


@pytest.mark.parametrize(
    ("energy_wh", "per_kwh", "tax_bps", "net", "tax"),
    [
        (0, 1800, 1800, 0, 0),
        (10_000, 1800, 0, 18_000, 0),
        (7_589, 1800, 0, 13_660, 0),  # 13660.2
        (1, 500, 0, 1, 0),  # 0.5 rounds up
        (1, 499, 0, 0, 0),
        (1_000, 1_001, 1800, 1_001, 180),  # 180.18
        (1_000, 1_025, 1000, 1_025, 103),  # 102.5 rounds up
        (5_000, 0, 1800, 0, 0),
    ],
)
def test_each_line_is_rounded_once(energy_wh: int, per_kwh: int, tax_bps: int, net: int, tax: int) -> None:
    priced = price(TariffTerms(per_kwh, tax_bps, "INR"), Usage(energy_wh))
    assert (priced.net_minor, priced.tax_minor, priced.total_minor) == (net, tax, net + tax)
    assert [line.amount_minor for line in priced.lines] == [net]


@given(st.integers(0, 10**9), st.integers(0, 10**6), st.integers(0, 10_000))
def test_a_price_is_never_off_by_more_than_half_a_unit_per_line(
    energy_wh: int, per_kwh: int, tax_bps: int
) -> None:
    priced = price(TariffTerms(per_kwh, tax_bps, "INR"), Usage(energy_wh))
    half = Fraction(1, 2)
    assert abs(priced.net_minor - Fraction(energy_wh * per_kwh, 1000)) <= half
    assert abs(priced.tax_minor - Fraction(priced.net_minor * tax_bps, 10_000)) <= half
