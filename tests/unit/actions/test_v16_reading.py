"""Stations write numbers and times their own way, and are answered all the same."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.unit.charging.kit import Street, a_street

from stationmaster.actions.v16 import _reading as reading
from stationmaster.charging.model import State
from stationmaster.stations import registry

pytestmark = pytest.mark.anyio
NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
async def street() -> AsyncIterator[Street]:
    async with a_street() as street:
        await street.station()
        yield street


@pytest.mark.parametrize(
    ("said", "number"),
    [(1, 1), ("1", 1), ("1.0", 1), (1.0, 1), (" 7 ", 7), (-1, -1), (None, None), ("x", None), ("", None),
     (2**31, None), (2**70, None), ("NaN", None), ("1e99", None), (True, None)],
)  # fmt: skip
def test_whole_numbers(said: Any, number: int | None) -> None:
    assert reading.whole(said) == number


@pytest.mark.parametrize(
    ("said", "number"), [(0, 0), (1, 1), ("2", 2), (-1, None), (999, None), (None, None)]
)
def test_connectors(said: Any, number: int | None) -> None:
    assert reading.connector_id(said) == number


@pytest.mark.parametrize(
    ("said", "at"),
    [
        ("2025-12-31T23:00:00Z", NOW - timedelta(hours=1)),
        ("2025-12-31T23:00:00", NOW - timedelta(hours=1)),
        ("2026-01-01T04:30:00+05:30", NOW - timedelta(hours=1)),
        ("2026-01-01T23:59:59Z", NOW + timedelta(hours=23, minutes=59, seconds=59)),
        ("2026-01-03T00:00:00Z", None),
        ("1970-01-01T00:00:00Z", None),
        ("2038-01-19T03:14:07Z", None),
        ("0000-00-00", None),
        ("x" * 10_000, None),
        (1_700_000_000, None),
        (None, None),
    ],
)
def test_device_times(said: Any, at: datetime | None) -> None:
    assert reading.device_time(said, received_at=NOW) == at


def test_text_is_cleaned_and_bounded() -> None:
    assert reading.clean("a\x00b\nc\x1b[31m" + "x" * 99, 8) == "abc[31mx"
    assert reading.clean(None, 8) == ""


HOSTILE_STARTS: list[dict[str, Any]] = [
    {},
    {"connectorId": -1, "idTag": "X", "meterStart": -5, "timestamp": "x"},
    {"connectorId": 2**31, "idTag": "X" * 500, "meterStart": 2**63, "timestamp": "1970-01-01T00:00:00Z"},
    {"connectorId": 0, "idTag": "'; DROP TABLE charging_session; --", "meterStart": 1.5, "timestamp": 5},
    {"connectorId": "1", "idTag": "<script>", "meterStart": "1e400", "timestamp": "9999-12-31T23:59:59Z"},
    {
        "connectorId": 1,
        "idTag": "\u202eabc\u0000",
        "meterStart": None,
        "timestamp": None,
        "reservationId": "x",
    },
]


@pytest.mark.parametrize("said", HOSTILE_STARTS)
async def test_a_start_is_always_answered(street: Street, said: dict[str, Any]) -> None:
    answer = await street.says("StartTransaction", said)
    assert answer["idTagInfo"]["status"] == "Invalid"
    assert answer["transactionId"] > 0
    assert (await street.only_session()).state is State.ORPHANED


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"transactionId": 0, "meterStop": "x", "timestamp": "x", "reason": "Because"},
        {"transactionId": 2**70, "meterStop": -(2**70), "timestamp": None, "transactionData": [{}]},
        {"transactionId": "abc", "idTag": "X" * 900, "meterStop": 1e300},
    ],
)
async def test_a_stop_of_nothing_is_kept(street: Street, said: dict[str, Any]) -> None:
    assert await street.says("StopTransaction", said) is None
    assert await street.sessions() == []


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"connectorId": 999, "meterValue": [{"timestamp": "x", "sampledValue": [{"value": "1"}]}]},
        {"connectorId": 1, "meterValue": [{"sampledValue": [{"value": None}, {}]}]},
        {
            "connectorId": 1,
            "transactionId": -1,
            "meterValue": [{"timestamp": 7, "sampledValue": [{"value": "1e999"}]}],
        },
        {
            "connectorId": 1,
            "meterValue": [{"sampledValue": [{"value": "1", "measurand": "Nonsense"}] * 500}] * 50,
        },
    ],
)
async def test_meter_values_of_any_shape_are_taken(street: Street, said: dict[str, Any]) -> None:
    assert await street.says("MeterValues", said) is None


async def test_a_boot_and_a_status_become_the_stations_description(street: Street) -> None:
    await street.says(
        "BootNotification", {"chargePointVendor": "Acme\x00", "chargePointModel": "One", "iccid": "1"}
    )
    said = {"connectorId": "1", "errorCode": "NoError", "status": "Charging", "timestamp": street.stamp()}
    await street.says("StatusNotification", said)
    await street.says("StatusNotification", {"connectorId": 1, "status": ""})
    await street.says("StatusNotification", {})
    await street.says("Heartbeat", {})
    async with street.database.reading() as reader:
        station = await registry.get(reader, "CP1")
        connectors = {c.connector_id: c.status for c in await registry.connectors(reader, "CP1")}
    assert (station.vendor, station.model) == ("Acme", "One")
    assert connectors[1] == "Charging"


async def test_an_unknown_vendor_is_told_so(street: Street) -> None:
    assert await street.says("DataTransfer", {"vendorId": "acme", "data": "{}"}) == {
        "status": "UnknownVendorId"
    }


async def test_an_unknown_card_may_not(street: Street) -> None:
    assert await street.says("Authorize", {"idTag": "WHO"}) == {"idTagInfo": {"status": "Invalid"}}


async def test_the_transaction_data_of_a_stop_is_kept_and_marks_are_read(street: Street) -> None:
    driver = await street.driver(20_000)
    await street.card("CARD1", driver)
    answer = await street.begins("CARD1")
    street.clock.advance(600)
    marks = [
        {"timestamp": street.stamp(), "sampledValue": [{"value": wh, "context": context}]}
        for wh, context in (("10", "Transaction.Begin"), ("1010", "Transaction.End"))
    ]
    await street.ends(answer["transactionId"], meter=5, say={"transactionData": marks})
    done = await street.only_session()
    assert (done.energy_wh, done.suspect_reason) == (1_000, "energy_from_transaction_samples")
