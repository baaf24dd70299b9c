"""Money: whatever a charge costs, was held, and whoever is paid, it adds up."""

from hypothesis import given
from hypothesis import strategies as st

from stationmaster.charging.model import Session, State
from stationmaster.charging.rules.settle import settle, shares_of
from stationmaster.charging.settlement import divided
from stationmaster.kernel.clock import VirtualClock
from stationmaster.kernel.money import round_half_up

amounts = st.integers(0, 10**12)
bps = st.integers(0, 10_000)


@given(amounts, amounts, bps, amounts)
def test_everything_adds_up(net: int, tax: int, fee_bps: int, held: int) -> None:
    found = settle(net_minor=net, tax_minor=tax, fee_bps=fee_bps, held_minor=held)
    assert found.shares.total_minor == net + tax
    assert found.captured.total_minor + found.overrun.total_minor == net + tax
    assert found.captured.total_minor + found.released_minor == held
    assert found.released_minor >= 0
    for part in (found.shares, found.captured, found.overrun):
        assert min(part.organisation_minor, part.fee_minor, part.tax_minor) >= 0


@given(amounts, amounts, bps)
def test_the_fee_is_rounded_once_and_the_rest_is_the_organisations(net: int, tax: int, fee_bps: int) -> None:
    shares = shares_of(net_minor=net, tax_minor=tax, fee_bps=fee_bps)
    assert shares.fee_minor == round_half_up(net * fee_bps, 10_000)
    assert shares.organisation_minor == net - shares.fee_minor
    assert shares.tax_minor == tax


@given(amounts, amounts, bps, amounts)
def test_tax_is_captured_first_and_the_organisation_last(net: int, tax: int, fee_bps: int, held: int) -> None:
    found = settle(net_minor=net, tax_minor=tax, fee_bps=fee_bps, held_minor=held)
    if found.captured.fee_minor:
        assert found.overrun.tax_minor == 0
    if found.captured.organisation_minor:
        assert found.overrun.fee_minor == 0


@given(
    st.integers(0, 10**9),
    st.integers(0, 10**6),
    bps,
    bps,
    st.integers(0, 10**9),
    st.sampled_from(["wallet", "organisation", "free", "nobody"]),
)
def test_every_payer_pays_what_it_should(
    energy: int, price: int, tax: int, fee: int, held: int, kind: str
) -> None:
    session = Session(
        id="s",
        organisation_id="o",
        station_id="CP1",
        connector_id=1,
        payer_kind=kind,
        started_by="app",
        actor="a",
        id_token="t",
        state=State.ONGOING,
        created_at=VirtualClock().now(),
        price_minor_per_kwh=price,
        tax_bps=tax,
        fee_bps=fee,
        hold_amount_minor=held if kind == "wallet" else 0,
        hold_generation=1 if kind == "wallet" and held else 0,
    )
    found = divided(session, energy)
    if kind in {"free", "nobody"}:
        assert found.shares.total_minor == 0
    if kind == "organisation":
        assert found.overrun.total_minor == found.released_minor == 0
    if kind == "wallet":
        assert found.captured.total_minor == min(found.shares.total_minor, held)
