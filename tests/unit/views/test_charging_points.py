"""What operators see of stations: as it is now, and only of their own."""

from typing import Any

import pytest
from tests.unit.views.kit import ACME, ANN, OTHER, ROOT, Site

from stationmaster.charging import stops
from stationmaster.charging.model import Payer
from stationmaster.stations import commands, registry

pytestmark = pytest.mark.anyio
PATH = "/api/cms/charging-points"


async def one(site: Site) -> Any:
    return await site.see(f"{PATH}/CP1", ACME)


async def test_a_new_station_is_shown_whole(site: Site) -> None:
    await site.street.world.station("CP1", name="Gate", site="Pune", connector_count=2)
    await site.boots("CP1", "Acme", "One")
    await site.reports("CP1", 0, "Available")
    (item,) = await site.items(PATH, ACME)
    assert item == await one(site)
    assert {k: item[k] for k in ("stationId", "name", "site", "vendor", "model", "isOnline")} == {
        "stationId": "CP1",
        "name": "Gate",
        "site": "Pune",
        "vendor": "Acme",
        "model": "One",
        "isOnline": False,
    }
    assert item["organisationId"] == site.street.world.organisation.id
    assert item["chargerId"].startswith("chg")
    assert (item["pendingCommand"], item["connectedAt"]) == (None, None)
    assert [(c["connectorId"], c["status"], c["session"]) for c in item["connectors"]] == [
        (1, "Unavailable", None),
        (2, "Unavailable", None),
    ]


async def test_presence_and_status_are_those_of_now(site: Site) -> None:
    await site.street.world.station("CP1", connector_count=2)
    await site.link("CP1", is_open=True)
    await site.reports("CP1", 1, "Faulted", error_code="GroundFailure", info="wet")
    item = await one(site)
    assert (item["isOnline"], item["connectedAt"]) == (True, "2026-01-01T00:00:00.000Z")
    first, second = item["connectors"]
    assert (first["status"], first["errorCode"], first["info"]) == ("Faulted", "GroundFailure", "wet")
    assert (first["statusAt"], second["status"], second["statusAt"]) == (
        "2026-01-01T00:00:00.000Z",
        "Unknown",
        None,
    )
    site.clock.advance(60)
    await site.link("CP1", is_open=False)
    item = await one(site)
    assert (item["isOnline"], item["disconnectedAt"]) == (False, "2026-01-01T00:01:00.000Z")
    assert [c["status"] for c in item["connectors"]] == ["Unavailable"] * 2, "never stale as live"


async def test_connectors_never_spoken_of_are_listed_as_unknown(site: Site) -> None:
    await site.street.world.station("CP1", connector_count=0)
    assert (await one(site))["connectors"] == []
    await site.link("CP1", is_open=True)
    await site.reports("CP1", 3, "Available")
    assert [(c["connectorId"], c["status"]) for c in (await one(site))["connectors"]] == [
        (1, "Unknown"),
        (2, "Unknown"),
        (3, "Available"),
    ]


async def test_a_live_session_is_at_its_connector(site: Site) -> None:
    street = site.street
    await street.station("CP1")
    await street.credit(site.ann, 50_000)
    started = await street.start(site.ann)
    pending = await one(site)
    assert pending["connectors"][0]["session"]["state"] == "PENDING"
    assert pending["connectors"][1]["session"] is None
    asked = (await street.commands(started.id))[0]
    assert pending["pendingCommand"] == {
        "commandId": asked.id,
        "action": "RemoteStartTransaction",
        "state": "queued",
        "createdAt": "2026-01-01T00:00:00.000Z",
        "connectorId": 1,
    }
    await street.accepted(started.id)
    assert (await one(site))["pendingCommand"] is None
    transaction = (await street.begins(started.id_token))["transactionId"]
    site.clock.advance(60)
    await street.meters(transaction, 1_500)
    (connector, _) = (await one(site))["connectors"]
    session = await street.session(started.id)
    shown = connector["session"]
    assert shown == {
        "sessionId": started.id,
        "state": "ONGOING",
        "subReason": "",
        "startedAt": "2026-01-01T00:00:00.000Z",
        "createdAt": "2026-01-01T00:00:00.000Z",
        "energyWh": session.energy_wh,
        "costMinor": session.cost_minor,
        "currency": "INR",
        "powerW": 11_000.0,
        "socPercent": None,
        "driverName": "Ann",
        "payerKind": "wallet",
        "startedBy": "app",
        "version": session.version,
    }
    assert shown["energyWh"] > 0
    assert connector["powerW"] == 11_000.0
    await site.link("CP1", is_open=False)
    connector = (await one(site))["connectors"][0]
    assert (connector["powerW"], connector["session"]["powerW"]) == (None, None), "nobody knows any more"
    assert connector["session"]["energyWh"] == shown["energyWh"]
    await street.ends(transaction, meter=1_600)
    assert (await one(site))["connectors"][0]["session"] is None


async def test_a_stop_that_is_under_way_names_its_connector(site: Site) -> None:
    street = site.street
    await street.station("CP1")
    started = await street.start("", payer=Payer.free("demo"), connector_id=2)
    await street.accepted(started.id)
    await street.begins(started.id_token, connector_id=2)
    async with street.database.transaction() as uow:
        await stops.ask(uow, session_id=started.id, actor="test", **street.world.said)
    pending = (await one(site))["pendingCommand"]
    assert (pending["action"], pending["connectorId"]) == ("RemoteStopTransaction", 2)


async def test_the_newest_unfinished_command_is_the_pending_one(site: Site) -> None:
    await site.street.world.station("CP1")
    made = []
    for action in ("Reset", "UnlockConnector", "ClearCache"):
        site.clock.advance(1)
        async with site.street.database.transaction() as uow:
            asked = await commands.ask(
                uow,
                station_id="CP1",
                action=action,
                payload={"connectorId": 1} if action == "UnlockConnector" else {},
                actor="test",
                deadline_at=site.clock.now(),
                **site.street.world.said,
            )
        made.append(asked.id)
    for expected, connector_id, done in ((2, None, 2), (1, 1, 1), (0, None, 0)):
        pending = (await one(site))["pendingCommand"]
        assert (pending["commandId"], pending["connectorId"]) == (made[expected], connector_id)
        async with site.street.database.transaction() as uow:
            await commands.finish(uow, command_id=made[done], state="accepted", now=site.clock.now())
    assert (await one(site))["pendingCommand"] is None


async def test_a_charge_that_nobody_pays_for_is_seen(site: Site) -> None:
    street = site.street
    await street.station("CP1")
    await street.begins("STRANGER")
    orphan = await street.only_session()
    shown = (await one(site))["connectors"][0]["session"]
    assert (shown["sessionId"], shown["state"], shown["driverName"]) == (orphan.id, orphan.state, None)


async def test_search_looks_at_names_and_makes(site: Site) -> None:
    await site.street.world.station("CP1", name="Gate", site="Pune 50% off")
    await site.street.world.station("CP2", name="Roof", site="Goa")
    await site.boots("CP2", "Delta_X", "Terra")
    for words, expected in {
        "cp": ["CP1", "CP2"],
        "gate": ["CP1"],
        "GOA": ["CP2"],
        "delta_x": ["CP2"],
        "terra": ["CP2"],
        "0%": ["CP1"],
        "%": ["CP1"],
        "_": ["CP2"],
        "nowhere": [],
    }.items():
        assert [item["stationId"] for item in await site.items(PATH, ACME, search=words)] == expected, words


async def test_status_filters_by_what_is_shown(site: Site) -> None:
    for station_id, word in {"CP1": "Charging", "CP2": "Available", "CP3": "Available"}.items():
        await site.street.world.station(station_id)
        await site.link(station_id, is_open=True)
        await site.reports(station_id, 1, word)
    await site.link("CP3", is_open=False)
    await site.street.world.station("CP4", connector_count=0)
    await site.link("CP4", is_open=True)
    await site.reports("CP4", 2, "Faulted")
    for words, expected in (
        (["Available"], ["CP2"]),
        (["Offline"], ["CP3"]),
        (["Charging", "Offline"], ["CP1", "CP3"]),
        (["Unknown"], ["CP4"]),
        (["Faulted"], ["CP4"]),
        (["Reserved"], []),
    ):
        found = [item["stationId"] for item in await site.items(PATH, ACME, status=words)]
        assert found == expected, words


async def test_archived_stations_are_off_the_list(site: Site) -> None:
    await site.street.world.station("CP1")
    async with site.street.database.transaction() as uow:
        await registry.archive(uow, station_id="CP1", now=site.clock.now())
    assert await site.items(PATH, ROOT) == []
    assert (await one(site))["stationId"] == "CP1"


async def test_another_organisations_stations_are_not_there(site: Site) -> None:
    await site.street.world.station("CP1")
    await site.street.world.station("CP2", organisation_id=site.other.id)
    seen = {who: [item["stationId"] for item in await site.items(PATH, who)] for who in (ROOT, ACME, OTHER)}
    assert seen == {ROOT: ["CP1", "CP2"], ACME: ["CP1"], OTHER: ["CP2"]}
    assert (await site.ask(f"{PATH}/CP1", OTHER)).status_code == 404
    assert (await site.ask(f"{PATH}/CP2", ACME)).status_code == 404
    assert (await site.ask(f"{PATH}/CP1", ANN)).status_code == 403


async def test_pages_tell_every_station_once_at_the_same_cost(site: Site) -> None:
    await site.street.world.station("CP0")
    alone = await site.cost(PATH, ROOT)
    for n in range(1, 7):
        await site.street.station(f"CP{n}")
        await site.street.start("", payer=Payer.free("demo"), station_id=f"CP{n}")
    walked = [item["stationId"] for item in await site.walk(PATH, ROOT, 2)]
    assert walked == [f"CP{n}" for n in range(7)]
    assert await site.cost(PATH, ROOT) == alone
