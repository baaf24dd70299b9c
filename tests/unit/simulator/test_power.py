"""The physics: energy only grows, batteries fill up, nothing is free."""

import random

import pytest

from stationmaster.simulator.power import Battery, Flow, Meter, PowerCurve, some_battery


def a_flow(
    *, capacity_wh: float = 50_000, stored_wh: float = 10_000, rated_w: float = 10_000, seed: int = 1
) -> Flow:
    rng = random.Random(seed)
    return Flow(Meter(1000.0), Battery(capacity_wh, stored_wh), PowerCurve(rated_w, 4.0, rng), 0.0)


def test_power_ramps_up_and_stays_below_the_rated_power() -> None:
    curve = PowerCurve(10_000, 4.0, random.Random(1))
    assert curve.at(0.5, 20) < curve.at(4.0, 20)
    assert all(5_000 < curve.at(second, 20) < 10_300 for second in range(4, 100))


def test_power_tapers_above_eighty_percent_and_ends_full() -> None:
    curve = PowerCurve(10_000, 0.0, random.Random(1))
    assert curve.at(100, 99) < 0.2 * curve.at(100, 50)
    assert curve.at(100, 100) == 0.0


def test_what_leaves_the_meter_arrives_in_the_battery() -> None:
    flow = a_flow()
    flow.advance(1800.0)
    gained = flow.meter.register_wh - 1000.0
    assert gained == pytest.approx(flow.battery.stored_wh - 10_000)
    assert 3000 < gained < 5000  # half an hour at 7.2 to 9.8 kW


def test_many_small_advances_are_as_good_as_one() -> None:
    often, once = a_flow(), a_flow()
    for tenth in range(0, 1000, 5):
        often.advance(tenth / 10)
    once.advance(99.5)
    assert often.meter.register_wh == pytest.approx(once.meter.register_wh)


def test_time_does_not_run_backwards() -> None:
    flow = a_flow()
    flow.advance(100.0)
    before = flow.meter.register_wh
    flow.advance(50.0)
    assert flow.meter.register_wh == before


def test_a_full_battery_takes_nothing_more() -> None:
    flow = a_flow(capacity_wh=10_100, stored_wh=10_000)
    flow.advance(36_000.0)
    assert flow.battery.stored_wh <= flow.battery.capacity_wh
    assert flow.meter.register_wh - 1000.0 == pytest.approx(100.0, abs=0.01)
    assert flow.power_w == pytest.approx(0.0, abs=1.0)


def test_energies_differ_from_seed_to_seed_and_repeat_with_it() -> None:
    def energy(seed: int) -> float:
        flow = a_flow(seed=seed)
        flow.advance(60.0)
        return flow.meter.register_wh

    assert energy(1) == energy(1)
    assert len({energy(seed) for seed in range(20)}) == 20


def test_cars_arrive_neither_empty_nor_full() -> None:
    for seed in range(50):
        assert 10 < some_battery(random.Random(seed)).soc_percent < 60
