"""What sampled values mean."""

from datetime import UTC, datetime

import pytest

from stationmaster.charging.model import SampledValue as Sample
from stationmaster.charging.rules.meter import ENERGY, POWER, SOC, read

AT = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("sample", "wh"),
    [
        (Sample("1234"), 1234),
        (Sample("1234.9"), 1234),
        (Sample(1234), 1234),
        (Sample("1.2345", unit="kWh"), 1234),
        (Sample("1234", unit="Wh"), 1234),
        (Sample(" 77 "), 77),
        (Sample("-5"), -5),
        (Sample("abc"), None),
        (Sample(""), None),
        (Sample("NaN"), None),
        (Sample("1e400"), None),
        (Sample("1234", format="SignedData"), None),
        (Sample("1234", measurand="Energy.Active.Export.Register"), None),
        (Sample("1234", measurand="Energy.Active.Import.Interval"), None),
    ],
)
def test_energy(sample: Sample, wh: int | None) -> None:
    assert read([sample], at=AT).energy_wh == wh


def test_a_total_is_taken_before_phases_and_phases_are_summed() -> None:
    phases = [Sample("100", phase=p) for p in ("L1", "L2", "L3")]
    assert read(phases, at=AT).energy_wh == 300
    assert read([*phases, Sample("299")], at=AT).energy_wh == 299


@pytest.mark.parametrize(
    ("samples", "watts"),
    [
        ([Sample("11", POWER, "kW")], 11_000.0),
        ([Sample("7400.5", POWER, "W")], 7400.5),
        ([Sample("3.7", POWER, "kW", p) for p in ("L1", "L2", "L3")], 11_100.0),
        ([Sample("-100", POWER)], -100.0),
        ([Sample("inf", POWER)], None),
        ([Sample("99999999999", POWER)], None),
        ([Sample("11", "Power.Offered", "kW")], None),
    ],
)
def test_power(samples: list[Sample], watts: float | None) -> None:
    assert read(samples, at=AT).power_w == (None if watts is None else pytest.approx(watts))


@pytest.mark.parametrize(("value", "percent"), [("80", 80.0), ("101", None), ("-1", None), ("x", None)])
def test_state_of_charge(value: str, percent: float | None) -> None:
    assert read([Sample(value, SOC, "Percent")], at=AT).soc_percent == percent


def test_all_three_at_once_and_what_is_not_ours_is_ignored() -> None:
    told = read(
        [
            Sample("5", "Current.Import", "A"),
            Sample("1", ENERGY, "kWh"),
            Sample("9", POWER),
            Sample("50", SOC),
        ],
        at=AT,
    )
    assert (told.energy_wh, told.power_w, told.soc_percent, told.is_empty) == (1000, 9.0, 50.0, False)
    assert read([Sample("5", "Voltage", "V")], at=AT).is_empty


def test_the_marks_of_a_transaction_are_found_behind_other_contexts() -> None:
    assert read([Sample("1"), Sample("2", context="Transaction.End")], at=AT).context == "Transaction.End"
    assert read([Sample("1", context="Trigger")], at=AT).context == "Trigger"
