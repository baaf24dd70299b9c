"""What drivers see of stations, and what they must not see of each other."""

from datetime import timedelta

import pytest
from tests.unit.views.kit import ANN, BOB, Site

from stationmaster.charging.model import Payer
from stationmaster.stations import registry
from stationmaster.tariffs import versions

pytestmark = pytest.mark.anyio
PATH = "/api/user/stations"
SECRETS = {"chargerId", "organisationId", "pendingCommand"}


async def test_a_station_is_shown_with_its_price_and_no_secrets(site: Site) -> None:
    await site.street.station("CP1", tax_bps=1_800, site="Pune")
    (item,) = await site.items(PATH, BOB)
    assert item == await site.see(f"{PATH}/CP1", BOB)
    assert not SECRETS & item.keys()
    assert (item["priceMinorPerKwh"], item["taxBps"], item["currency"]) == (1_500, 1_800, "INR")
    assert (item["stationId"], item["site"], item["isOnline"]) == ("CP1", "Pune", True)
    assert item["connectors"][0] == {
        "connectorId": 1,
        "status": "Unknown",
        "errorCode": "NoError",
        "info": "",
        "statusAt": None,
        "powerW": None,
        "socPercent": None,
        "version": 0,
        "inUse": False,
        "session": None,
    }


async def test_of_another_driver_only_that_it_is_in_use(site: Site) -> None:
    street = site.street
    await street.station("CP1")
    await street.credit(site.ann, 20_000)
    started = await street.start(site.ann)
    await street.accepted(started.id)
    transaction = (await street.begins(started.id_token))["transactionId"]
    await street.meters(transaction, 1_500)
    mine = (await site.see(f"{PATH}/CP1", ANN))["connectors"][0]
    theirs = (await site.see(f"{PATH}/CP1", BOB))["connectors"][0]
    assert (mine["inUse"], mine["session"]["sessionId"], mine["powerW"]) == (True, started.id, 11_000.0)
    assert (theirs["inUse"], theirs["session"], theirs["powerW"], theirs["socPercent"]) == (
        True,
        None,
        None,
        None,
    )
    assert started.id not in (await site.ask(PATH, BOB)).text
    assert site.ann not in (await site.ask(PATH, BOB)).text


async def test_a_cable_in_a_car_is_in_use_and_a_car_about_to_start_is_not(site: Site) -> None:
    await site.street.station("CP1")
    for seq, (word, expected) in enumerate(
        (
            ("Preparing", False),
            ("Charging", True),
            ("SuspendedEV", True),
            ("Finishing", True),
            ("Available", False),
        )
    ):
        await site.reports("CP1", 1, word, seq + 1)
        connector = (await site.see(f"{PATH}/CP1", BOB))["connectors"][0]
        assert (connector["status"], connector["inUse"]) == (word, expected)


async def test_the_price_is_the_one_in_force(site: Site) -> None:
    await site.street.station("CP1")
    async with site.street.database.reading() as reader:
        tariff_id = (await registry.get(reader, "CP1")).tariff_id
    assert tariff_id is not None
    for hours, price in ((1, 1_600), (2, 1_700)):
        async with site.street.database.transaction() as uow:
            await versions.add_version(
                uow,
                tariff_id=tariff_id,
                price_minor_per_kwh=price,
                currency="INR",
                valid_from=site.clock.now() + timedelta(hours=hours),
                **site.street.world.said,
            )
    seen = []
    for _ in range(3):
        seen.append((await site.see(f"{PATH}/CP1", BOB))["priceMinorPerKwh"])
        site.clock.advance(3600)
    assert seen == [1_500, 1_600, 1_700]


async def test_without_a_tariff_there_is_no_price(site: Site) -> None:
    await site.street.world.station("CP1")
    item = await site.see(f"{PATH}/CP1", BOB)
    assert (item["priceMinorPerKwh"], item["taxBps"], item["currency"]) == (None, None, "INR")


async def test_drivers_find_stations_of_all_organisations_but_no_archived_ones(site: Site) -> None:
    for station_id, values in {
        "CP1": {"site": "Pune"},
        "CP2": {"organisation_id": site.other.id},
        "CP3": {},
    }.items():
        await site.street.world.station(station_id, **values)
    async with site.street.database.transaction() as uow:
        await registry.archive(uow, station_id="CP3", now=site.clock.now())
    assert [item["stationId"] for item in await site.items(PATH, BOB)] == ["CP1", "CP2"]
    assert [item["stationId"] for item in await site.items(PATH, BOB, search="pune")] == ["CP1"]
    assert (await site.ask(f"{PATH}/CP3", BOB)).status_code == 404


async def test_pages_tell_every_station_once_at_the_same_cost(site: Site) -> None:
    await site.street.station("CP0")
    alone = await site.cost(PATH, BOB)
    for n in range(1, 5):
        await site.street.station(f"CP{n}")
        await site.street.start("", payer=Payer.free("demo"), station_id=f"CP{n}")
    assert [item["stationId"] for item in await site.walk(PATH, BOB, 2)] == [f"CP{n}" for n in range(5)]
    assert await site.cost(PATH, BOB) == alone
