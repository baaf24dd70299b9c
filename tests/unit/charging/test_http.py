"""Start and stop as drivers and operators meet them: who may, what is answered, what happens once."""

import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from tests.unit.charging.kit import Street, a_street

from stationmaster.actions.catalog import CommandCatalog
from stationmaster.charging import http as charging_http
from stationmaster.charging.model import State
from stationmaster.identity import http as identity_http
from stationmaster.identity import people
from stationmaster.infra.cache.memory import MemoryCache
from stationmaster.infra.http import problem
from stationmaster.infra.http.context import Context
from stationmaster.infra.runtime import Runtime

pytestmark = pytest.mark.anyio
PASSWORD = "correct horse"
KEY = "Idempotency-Key"
_keys = itertools.count(1)


def new_key() -> dict[str, str]:
    return {KEY: f"wish-{next(_keys):08}"}


@dataclass
class Site:
    street: Street
    app: FastAPI

    @asynccontextmanager
    async def client(self, email: str = "") -> AsyncIterator[httpx.AsyncClient]:
        transport = httpx.ASGITransport(self.app)
        async with httpx.AsyncClient(transport=transport, base_url="https://cms.test") as client:
            if email:
                said = {"email": email, "password": PASSWORD}
                answer = await client.post("/api/auth/token", json=said)
                client.headers["authorization"] = f"Bearer {answer.json()['accessToken']}"
            yield client


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with a_street() as street:
        world = street.world
        await street.station()
        async with world.database.transaction() as uow:
            said = world.said | {"password": PASSWORD}
            other = await people.create_organisation(uow, name="Other", **world.said)
            await people.create_operator(uow, email="root@x.test", role="admin", **said)
            await people.create_operator(
                uow, email="acme@x.test", organisation_id=world.organisation.id, **said
            )
            await people.create_operator(uow, email="other@x.test", organisation_id=other.id, **said)
            ann = await people.create_driver(uow, email="ann@x.test", **said)
            await people.create_driver(uow, email="bob@x.test", **said)
        await street.credit(ann.id, 50_000)
        app = FastAPI()
        app.state.context = Context(
            database=world.database,
            bus=None,  # type: ignore[arg-type] - no route here publishes
            cache=MemoryCache(world.clock),
            runtime=Runtime(clock=world.clock, ids=world.ids),
            commands=CommandCatalog(),
        )
        problem.install(app)
        app.include_router(identity_http.router)
        app.include_router(charging_http.router)
        yield Site(street, app)


START: dict[str, Any] = {"deviceId": "CP1", "connectorId": 1, "amountMinor": 20_000}


async def test_a_driver_starts_once_per_key_and_stops(site: Site) -> None:
    async with site.client("ann@x.test") as ann:
        first = await ann.post("/api/user/charging/start", json=START, headers={KEY: "tap-0001"})
        assert first.status_code == 202, first.text
        body = first.json()
        assert (body["state"], body["holdMinor"], body["currency"]) == ("PENDING", 20_000, "INR")
        again = await ann.post("/api/user/charging/start", json=START, headers={KEY: "tap-0001"})
        assert (again.status_code, again.json()) == (202, body)
        busy = await ann.post("/api/user/charging/start", json=START, headers={KEY: "tap-0002"})
        assert (busy.status_code, busy.json()["code"]) == (409, "connector_busy")
        other = await ann.post(
            "/api/user/charging/start", json=START | {"amountMinor": 1}, headers={KEY: "tap-0001"}
        )
        assert (other.status_code, other.json()["code"]) == (422, "idempotency_mismatch")
        stopped = await ann.post("/api/user/charging/stop", json={"sessionId": body["sessionId"]})
        assert (stopped.status_code, stopped.json()["state"]) == (202, "FAILED")
    session = await site.street.session(body["sessionId"])
    assert (session.sub_reason, session.started_by, session.released_minor) == ("cancelled", "app", 20_000)


BAD_STARTS: list[tuple[dict[str, Any], int]] = [
    ({"amountMinor": 0}, 422),
    ({"amountMinor": -1}, 422),
    ({"amountMinor": 0.5}, 422),
    ({"amountMinor": 2**63}, 422),
    ({"amountMinor": 50_001}, 402),
    ({"amountMinor": 99}, 422),
    ({"connectorId": 0}, 422),
    ({"connectorId": 9}, 404),
    ({"deviceId": "NOPE"}, 404),
    ({"limitEnergyWh": 0}, 422),
    ({"payer": {"kind": "free"}}, 422),
]


async def test_a_bad_start_is_refused_and_holds_nothing(site: Site) -> None:
    async with site.client("ann@x.test") as ann:
        for change, status in BAD_STARTS:
            answer = await ann.post(
                "/api/user/charging/start", json=START | change, headers={KEY: "tap-0001"}
            )
            assert answer.status_code == status, (change, answer.text)
    assert await site.street.sessions() == []


async def test_a_driver_needs_a_key_and_money(site: Site) -> None:
    async with site.client("ann@x.test") as ann:
        assert (await ann.post("/api/user/charging/start", json=START)).status_code == 400
    async with site.client("bob@x.test") as bob:
        answer = await bob.post("/api/user/charging/start", json=START, headers={KEY: "tap-0001"})
        assert (answer.status_code, answer.json()["code"]) == (402, "insufficient_funds")


async def test_a_driver_stops_only_their_own(site: Site) -> None:
    async with site.client("ann@x.test") as ann:
        started = await ann.post("/api/user/charging/start", json=START, headers={KEY: "tap-0001"})
    mine = {"sessionId": started.json()["sessionId"]}
    async with site.client("bob@x.test") as bob:
        assert (await bob.post("/api/user/charging/stop", json=mine)).status_code == 404
    assert (await site.street.session(mine["sessionId"])).state is State.PENDING


CMS: dict[str, Any] = {"stationId": "CP1", "connectorId": 1, "payer": {"kind": "free", "reason": "demo"}}


async def test_an_operator_starts_for_free_and_stops_what_a_driver_started(site: Site) -> None:
    async with site.client("acme@x.test") as acme:
        answer = await acme.post("/api/cms/charging/start", headers=new_key(), json=CMS)
        assert answer.status_code == 202, answer.text
        body = answer.json()
        assert body["state"] == "PENDING"
        assert [row.id for row in await site.street.commands(body["sessionId"])] == [body["commandId"]]
        await site.street.accepted(body["sessionId"])
        session = await site.street.session(body["sessionId"])
        await site.street.begins(session.id_token)
        stopped = await acme.post("/api/cms/charging/stop", json={"sessionId": session.id})
        assert stopped.json() == {"sessionId": session.id, "state": "STOPPING"}
    stop = (await site.street.commands(session.id, "RemoteStopTransaction"))[0]
    assert stop.actor.startswith("operator:"), "the audit row"


async def test_another_organisation_can_neither_start_nor_stop(site: Site) -> None:
    async with site.client("acme@x.test") as acme:
        mine = (await acme.post("/api/cms/charging/start", headers=new_key(), json=CMS)).json()["sessionId"]
    async with site.client("other@x.test") as other:
        start = await other.post("/api/cms/charging/start", headers=new_key(), json=CMS | {"connectorId": 2})
        stop = await other.post("/api/cms/charging/stop", json={"sessionId": mine})
    assert (start.status_code, stop.status_code) == (404, 404)
    assert (await site.street.session(mine)).state is State.PENDING


async def test_a_wallet_is_charged_by_the_platforms_operators_only(site: Site) -> None:
    ann = (await site.street.driver(50_000)) or ""
    said = CMS | {"payer": {"kind": "wallet", "driverId": ann}, "amountMinor": 5_000}
    async with site.client("acme@x.test") as acme:
        assert (await acme.post("/api/cms/charging/start", headers=new_key(), json=said)).status_code == 403
    async with site.client("root@x.test") as root:
        assert (await root.post("/api/cms/charging/start", headers=new_key(), json=said)).status_code == 202
    assert (await site.street.balance(ann)).held_minor == 5_000


PAYERS: list[tuple[dict[str, Any], int]] = [
    ({"payer": {"kind": "free"}}, 422),
    ({"payer": {"kind": "wallet"}}, 422),
    ({"payer": {"kind": "nobody"}}, 422),
    ({"deviceId": "CP1"}, 422),
    ({"stationId": None}, 422),
    ({"payer": {"kind": "organisation"}}, 202),
    ({"stationId": None, "deviceId": "CP1"}, 202),
]


async def test_a_payer_and_one_station_are_needed(site: Site) -> None:
    async with site.client("root@x.test") as root:
        for change, status in PAYERS:
            answer = await root.post("/api/cms/charging/start", headers=new_key(), json=CMS | change)
            assert answer.status_code == status, (change, answer.text)
            if status == 202:
                stop = {"sessionId": answer.json()["sessionId"]}
                assert (await root.post("/api/cms/charging/stop", json=stop)).json()["state"] == "FAILED"


async def test_nobody_acts_without_the_right_login(site: Site) -> None:
    async with (
        site.client() as stranger,
        site.client("acme@x.test") as acme,
        site.client("ann@x.test") as ann,
    ):
        for path in ("charging/start", "charging/stop"):
            for room, other in (("user", acme), ("cms", ann)):
                assert (await stranger.post(f"/api/{room}/{path}", json=START)).status_code == 401
                assert (await other.post(f"/api/{room}/{path}", json=START)).status_code == 403


async def test_an_operator_starts_once_per_key(site: Site) -> None:
    async with site.client("acme@x.test") as acme:
        path = "/api/cms/charging/start"
        assert (await acme.post(path, json=CMS)).status_code == 400
        first = await acme.post(path, json=CMS, headers={KEY: "click-0001"})
        again = await acme.post(path, json=CMS, headers={KEY: "click-0001"})
        assert (again.status_code, again.json()) == (202, first.json())
        other = await acme.post(path, json=CMS | {"connectorId": 2}, headers={KEY: "click-0001"})
        assert (other.status_code, other.json()["code"]) == (422, "idempotency_mismatch")
    assert len(await site.street.sessions()) == 1


async def test_a_driver_is_named_by_the_platform_only_and_must_be_one(site: Site) -> None:
    ann = await site.street.driver()
    answers = []
    for who, driver_id in (("acme", ann), ("root", "drv_none"), ("root", ann)):
        said = CMS | {"payer": {"kind": "organisation", "driverId": driver_id}}
        async with site.client(f"{who}@x.test") as client:
            answers.append(await client.post("/api/cms/charging/start", headers=new_key(), json=said))
    assert [answer.status_code for answer in answers] == [403, 404, 202]
    assert (await site.street.only_session()).driver_id == ann
