"""What readings make of a running session."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from stationmaster.charging.model import ChargingPolicy, MeterReading
from stationmaster.charging.rules.fold import FELL, JUMPED, Folded, Running, fold
from stationmaster.tariffs.model import TariffTerms

T0 = datetime(2026, 1, 1, tzinfo=UTC)
BEGUN = Running(1_000, 1_000, T0, 0, None, None, 0)
TERMS = TariffTerms(1_500, 1_800, "INR")


def at(
    minutes: float, wh: int | None = None, power: float | None = None, soc: float | None = None
) -> MeterReading:
    return MeterReading(T0 + timedelta(minutes=minutes), wh, power, soc)


def folded(
    *readings: MeterReading, running: Running = BEGUN, ceiling: int | None = None, limit: int | None = None
) -> Folded:
    return fold(
        running, readings, terms=TERMS, ceiling_minor=ceiling, limit_energy_wh=limit, policy=ChargingPolicy()
    )


def test_energy_power_charge_and_cost_move() -> None:
    now = folded(at(10, 3_000, 11_000.0, 40.0)).running
    assert now == Running(1_000, 3_000, T0 + timedelta(minutes=10), 2_000, 11_000.0, 40.0, 3_000 + 540)


def test_a_repeated_reading_changes_nothing() -> None:
    once = folded(at(10, 3_000, 11_000.0)).running
    assert folded(at(10, 3_000, 11_000.0), running=once).running == once


def test_one_batch_or_many_is_the_same() -> None:
    told = [at(m, 1_000 + 150 * m) for m in range(1, 9)]
    one_by_one = BEGUN
    for reading in told:
        one_by_one = folded(reading, running=one_by_one).running
    assert folded(*told).running == one_by_one


def test_a_late_reading_is_ignored() -> None:
    assert folded(at(10, 3_000, 9.0), at(5, 2_000, 7.0)).running == folded(at(10, 3_000, 9.0)).running


def test_a_clock_set_back_does_not_stop_the_counting() -> None:
    now = folded(at(60, 3_000), at(-300, 3_500), at(-290, 4_000)).running
    assert now.energy_wh == 3_000


def test_a_fall_is_not_counted_and_counting_goes_on() -> None:
    result = folded(at(10, 3_000), at(20, 5), at(30, 1_005))
    assert (result.running.energy_wh, result.suspect) == (3_000, FELL)


def test_a_jump_is_not_counted_and_counting_goes_on() -> None:
    result = folded(at(10, 3_000), at(20, 903_000), at(30, 904_000))
    assert (result.running.energy_wh, result.suspect) == (3_000, JUMPED)


def test_without_a_start_the_first_reading_is_the_start() -> None:
    unknown = replace(BEGUN, meter_start_wh=None, meter_last_wh=None, meter_last_at=None)
    now = folded(at(10, 500_000), at(20, 501_000), running=unknown).running
    assert (now.meter_start_wh, now.energy_wh) == (500_000, 1_000)


def test_the_amount_stops_one_interval_before_it_is_used_up() -> None:
    # 11 kW for a minute is 183 Wh; 2000 Wh cost 3540.
    told = [at(9, 2_800, 11_000.0), at(10, 3_000, 11_000.0)]
    assert folded(*told, ceiling=3_540).limit == "amount"
    assert folded(*told, ceiling=3_860).limit == "amount"
    assert folded(*told, ceiling=3_870).limit is None
    assert folded(*told).limit is None


def test_the_energy_limit_stops_one_interval_early_too() -> None:
    told = [at(9, 2_800, 11_000.0), at(10, 3_000, 11_000.0)]
    assert folded(*told, limit=2_183).limit == "energy"
    assert folded(*told, limit=2_184).limit is None


def test_the_warning_line_is_crossed_once() -> None:
    first = folded(at(10, 3_000), ceiling=3_900)
    assert first.is_near_limit
    assert not folded(at(11, 3_010), running=first.running, ceiling=3_900).is_near_limit
    assert not folded(at(10, 3_000), ceiling=4_000).is_near_limit


@given(st.lists(st.tuples(st.floats(-100, 1000), st.none() | st.integers(-(10**9), 10**12))))
def test_energy_never_shrinks(told: list[tuple[float, int | None]]) -> None:
    running = BEGUN
    for minutes, wh in told:
        after = folded(at(minutes, wh), running=running).running
        assert after.energy_wh >= running.energy_wh
        assert after.cost_minor >= running.cost_minor
        running = after
