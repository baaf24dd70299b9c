"""What operators and drivers see of charging sessions."""

from typing import Any

import pytest
from tests.unit.views.kit import ACME, ANN, BOB, OTHER, ROOT, Site

from stationmaster.charging.model import Payer, Session
from stationmaster.views.sessions import SAMPLES_MAX

pytestmark = pytest.mark.anyio
CMS, MINE = "/api/cms/sessions", "/api/user/sessions"


async def charged(site: Site, driver_id: str, *, station_id: str = "CP1", wh: int = 4_000) -> Session:
    """A charge from tap to receipt."""
    street = site.street
    await street.credit(driver_id, 20_000)
    started = await street.start(driver_id, station_id=station_id)
    await street.accepted(started.id)
    begun = await street.begins(started.id_token, station_id=station_id)
    site.clock.advance(1800)
    await street.meters(begun["transactionId"], 1_000 + wh // 2, station_id=station_id)
    site.clock.advance(1800)
    await street.ends(begun["transactionId"], meter=1_000 + wh, station_id=station_id)
    return await street.session(started.id)


async def test_a_settled_session_is_told_to_the_last_minor_unit(site: Site) -> None:
    await site.street.station("CP1", tax_bps=1_800)
    session = await charged(site, site.ann)
    (item,) = await site.items(CMS, ACME)
    detail = await site.see(f"{CMS}/{session.id}", ACME)
    samples = detail.pop("meterSamples")
    assert detail == item
    assert item == {
        "sessionId": session.id,
        "stationId": "CP1",
        "connectorId": 1,
        "state": "COMPLETED",
        "subReason": "",
        "startedBy": "app",
        "payerKind": "wallet",
        "driverId": site.ann,
        "driverName": "Ann",
        "transactionId": session.transaction_id,
        "createdAt": "2026-01-01T00:00:00.000Z",
        "startedAt": "2026-01-01T00:00:00.000Z",
        "endedAt": "2026-01-01T01:00:00.000Z",
        "settledAt": "2026-01-01T01:00:00.000Z",
        "energyWh": 4_000,
        "powerW": None,
        "socPercent": session.soc_percent,
        "priceMinorPerKwh": 1_500,
        "currency": "INR",
        "holdMinor": 20_000,
        "costMinor": 7_080,
        "capturedMinor": 7_080,
        "overrunMinor": 0,
        "releasedMinor": 12_920,
        "feeMinor": 600,
        "organisationMinor": 5_400,
        "taxMinor": 1_080,
        "stopReason": "Local",
        "isSuspect": False,
        "isProvisional": False,
        "version": session.version,
    }
    assert samples[0] == {
        "at": "2026-01-01T00:30:00.000Z",
        "energyWh": 2_000,
        "powerW": 11_000.0,
        "socPercent": None,
    }
    assert await site.items(MINE, ANN) == [item]
    assert await site.see(f"{MINE}/{session.id}", ANN) == {**item, "meterSamples": samples}


async def test_a_long_curve_is_thinned_evenly_and_keeps_its_end(site: Site) -> None:
    street = site.street
    await street.station("CP1")
    started = await street.start("", payer=Payer.free("demo"))
    await street.accepted(started.id)
    transaction = (await street.begins(started.id_token))["transactionId"]
    values = []
    for n in range(SAMPLES_MAX + 100):
        site.clock.advance(10)
        sample = {"value": str(1_000 + n), "measurand": "Energy.Active.Import.Register", "unit": "Wh"}
        values.append({"timestamp": street.stamp(), "sampledValue": [sample]})
    values[7]["sampledValue"] = [{"value": "900", "unit": "Wh"}]
    site.clock.advance(10)
    volts = [{"value": "230", "measurand": "Voltage", "unit": "V"}]
    values.append({"timestamp": street.stamp(), "sampledValue": volts})
    said = {"connectorId": 1, "transactionId": transaction, "meterValue": values}
    await street.says("MeterValues", said)
    samples = (await site.see(f"{CMS}/{started.id}", ACME))["meterSamples"]
    told = [sample["energyWh"] for sample in samples]
    assert len(told) == (SAMPLES_MAX + 100) // 2
    assert told[-1] == SAMPLES_MAX + 99, "the newest that says anything of ours"
    assert told[3] is None, "a register below its start is not believed"
    assert told[4:] == list(range(9, SAMPLES_MAX + 100, 2))
    assert [sample["at"] for sample in samples] == sorted(sample["at"] for sample in samples)


async def test_filters_find_what_they_name(site: Site) -> None:
    await site.street.station("CP1")
    await site.street.station("CP2")
    old = await charged(site, site.ann)
    site.clock.advance(3600)
    bobs = await charged(site, site.drivers[BOB], station_id="CP2")
    site.clock.advance(3600)
    await site.street.credit(site.ann, 20_000)
    live = await site.street.start(site.ann)
    cases: list[tuple[dict[str, Any], list[Session]]] = [
        ({}, [live, bobs, old]),
        ({"live": "true"}, [live]),
        ({"live": "false"}, [bobs, old]),
        ({"state": "PENDING"}, [live]),
        ({"state": ["PENDING", "COMPLETED"], "stationId": "CP1"}, [live, old]),
        ({"state": "FAILED"}, []),
        ({"stationId": "CP2"}, [bobs]),
        ({"driverId": site.ann}, [live, old]),
        ({"from": bobs.created_at.isoformat()}, [live, bobs]),
        ({"to": bobs.created_at.isoformat()}, [old]),
        ({"from": "2026-01-01T00:00:01", "to": "2026-01-01T09:30:00+05:30"}, [bobs]),
    ]
    for params, expected in cases:
        found = [item["sessionId"] for item in await site.items(CMS, ACME, **params)]
        assert found == [session.id for session in expected], params
    assert [item["sessionId"] for item in await site.items(MINE, ANN, live="true")] == [live.id]
    assert [item["driverName"] for item in await site.items(CMS, ACME, stationId="CP2")] == [BOB], "no name"


async def test_a_driver_sees_only_their_own(site: Site) -> None:
    await site.street.station("CP1")
    anns = await charged(site, site.ann)
    assert await site.items(MINE, BOB) == []
    assert (await site.ask(f"{MINE}/{anns.id}", BOB)).status_code == 404
    assert (await site.ask(f"{CMS}/{anns.id}", ANN)).status_code == 403


async def test_another_organisations_sessions_are_not_there(site: Site) -> None:
    await site.street.station("CP1")
    session = await charged(site, site.ann)
    for params in ({}, {"stationId": "CP1"}, {"driverId": site.ann}, {"state": "COMPLETED"}):
        assert await site.items(CMS, OTHER, **params) == []
        assert len(await site.items(CMS, ROOT, **params)) == 1
    assert (await site.ask(f"{CMS}/{session.id}", OTHER)).status_code == 404
    assert (await site.ask(f"{CMS}/{session.id}", ROOT)).status_code == 200


async def test_pages_tell_every_session_once_even_of_one_moment(site: Site) -> None:
    for n in range(5):
        await site.street.station(f"CP{n}")
    await site.street.start("", payer=Payer.free("demo"), station_id="CP0")
    alone = await site.cost(CMS, ROOT)
    for n in range(1, 5):
        await site.street.start("", payer=Payer.free("demo"), station_id=f"CP{n}")
    walked = [item["sessionId"] for item in await site.walk(CMS, ACME, 2)]
    assert walked == sorted(walked, reverse=True)
    assert set(walked) == {session.id for session in await site.street.sessions()}
    assert len(walked) == 5
    assert await site.cost(CMS, ROOT) == alone
