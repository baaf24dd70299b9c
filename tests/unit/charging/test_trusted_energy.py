"""Which energy is billed when meters misbehave."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stationmaster.charging.model import MeterReading
from stationmaster.charging.rules.trusted_energy import TrustedEnergy, most_plausible_wh, trusted_energy

T0 = datetime(2026, 1, 1, tzinfo=UTC)


def at(minute: float, wh: int | None, context: str = "Sample.Periodic") -> MeterReading:
    return MeterReading(T0 + timedelta(minutes=minute), wh, context=context)


def trust(
    start: int | None, stop: int | None, *readings: MeterReading, last: int = 0, hours: float = 1
) -> TrustedEnergy:
    return trusted_energy(
        meter_start_wh=start,
        meter_stop_wh=stop,
        readings=readings,
        last_trusted_wh=last,
        duration_s=hours * 3600,
        power_w_max=22_000,
    )


def test_the_registers_when_they_are_plausible() -> None:
    assert trust(1_000, 23_000) == TrustedEnergy(22_000, "registers")
    assert trust(1_000, 1_000) == TrustedEnergy(0, "registers")
    assert not trust(1_000, 23_000).is_suspect


def test_a_little_over_the_rating_is_plausible_and_much_is_not() -> None:
    limit = most_plausible_wh(power_w_max=22_000, duration_s=3600)
    assert limit == 25_800
    assert trust(0, limit).source == "registers"
    assert trust(0, limit + 1) == TrustedEnergy(0, "nothing")


@pytest.mark.parametrize(("start", "stop"), [(5_000, 4_000), (None, 4_000), (5_000, None), (0, 900_000)])
def test_the_transactions_own_samples_come_next(start: int | None, stop: int | None) -> None:
    begin, end = at(0, 100, "Transaction.Begin"), at(60, 9_100, "Transaction.End")
    assert trust(start, stop, begin, end) == TrustedEnergy(9_000, "transaction_samples")


def test_then_the_rises_between_resets_and_jumps() -> None:
    told = [at(0, 5_000), at(10, 7_000), at(20, 100), at(30, 2_100), at(40, 900_000), at(50, 901_000)]
    assert trust(5_000, 901_000, *told) == TrustedEnergy(5_000, "monotone_samples")


def test_the_order_of_arrival_does_not_matter() -> None:
    told = [at(20, 3_000), at(0, 1_000), at(10, 2_000)]
    assert trust(9, 0, *told) == TrustedEnergy(2_000, "monotone_samples")


def test_then_what_was_counted_on_the_way_and_at_last_nothing() -> None:
    assert trust(9, 0, last=1_234) == TrustedEnergy(1_234, "last_trusted")
    assert trust(9, 0, last=10**9) == TrustedEnergy(0, "nothing")


energies = st.none() | st.integers(-(10**9), 10**9)


@given(
    energies,
    energies,
    st.lists(
        st.tuples(st.floats(0, 600), energies, st.sampled_from(["Transaction.Begin", "Transaction.End", "x"]))
    ),
    st.integers(0, 10**9),
    st.floats(-10, 200),
)
def test_never_negative_never_implausible(
    start: int | None, stop: int | None, told: list[tuple[float, int | None, str]], last: int, hours: float
) -> None:
    found = trust(start, stop, *(at(*t) for t in told), last=last, hours=hours)
    assert 0 <= found.energy_wh <= most_plausible_wh(power_w_max=22_000, duration_s=hours * 3600)
