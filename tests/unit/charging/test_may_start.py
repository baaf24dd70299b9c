"""Who may start where."""

from dataclasses import replace

import pytest

from stationmaster.charging.model import ChargingPolicy, Payer
from stationmaster.charging.rules.may_start import READY, Situation, may_start

FREE_CONNECTOR = Situation(
    is_known=True,
    is_archived=False,
    is_online=True,
    has_connector=True,
    connector_status="Available",
    station_status="Available",
    has_live_session=False,
    has_open_transaction=False,
    has_tariff=True,
    amount_minor=20_000,
    limit_energy_wh=None,
)
WALLET = Payer.wallet("d")


def code(payer: Payer = WALLET, **but: object) -> str | None:
    refusal = may_start(replace(FREE_CONNECTOR, **but), payer, ChargingPolicy())  # type: ignore[arg-type]
    return None if refusal is None else refusal.code


def test_a_free_connector_and_money_may() -> None:
    assert code() is None


@pytest.mark.parametrize(
    ("but", "why"),
    [
        ({"is_known": False}, "station_unknown"),
        ({"is_archived": True}, "station_unknown"),
        ({"has_connector": False}, "connector_unknown"),
        ({"is_online": False}, "station_offline"),
        ({"has_live_session": True}, "connector_busy"),
        ({"has_open_transaction": True}, "connector_busy"),
        ({"has_tariff": False}, "tariff_missing"),
        ({"amount_minor": None}, "bad_amount"),
        ({"amount_minor": 0}, "bad_amount"),
        ({"amount_minor": -1}, "bad_amount"),
        ({"amount_minor": 999}, "bad_amount"),
        ({"amount_minor": 10**12}, "bad_amount"),
        ({"limit_energy_wh": 0}, "bad_energy_limit"),
    ],
)
def test_each_reason_has_its_word(but: dict[str, object], why: str) -> None:
    assert code(**but) == why


@pytest.mark.parametrize(
    "status", ["Charging", "Faulted", "Unavailable", "Reserved", "SuspendedEV", "nonsense"]
)
def test_a_connector_that_is_not_ready_may_not(status: str) -> None:
    assert code(connector_status=status) == "connector_not_ready"
    assert code(station_status=status) == "connector_not_ready"


@pytest.mark.parametrize("status", sorted(READY))
def test_a_connector_that_is_ready_may(status: str) -> None:
    assert code(connector_status=status) is None


def test_free_needs_a_reason_and_no_tariff() -> None:
    assert code(Payer.free("  ")) == "free_needs_reason"
    assert code(Payer.free("demo"), has_tariff=False, amount_minor=None) is None


def test_an_organisation_needs_no_amount_but_a_tariff() -> None:
    assert code(Payer.organisation("o"), amount_minor=None) is None
    assert code(Payer.organisation("o"), has_tariff=False) == "tariff_missing"
