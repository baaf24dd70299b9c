"""The rooms' routes as a browser, a program and a gateway meet them; the real application over a small
world."""

import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from tests.support.rooms import PEPPER, World, a_world

from stationmaster.gateway.ports import RefusedHandshake
from stationmaster.gateway.rest_directory import RestDirectory
from stationmaster.identity import http, http_id_tokens, http_people, people
from stationmaster.infra.cache.memory import MemoryCache
from stationmaster.infra.http import pagination, problem
from stationmaster.infra.http.context import Context
from stationmaster.infra.runtime import Runtime
from stationmaster.kernel.errors import NotFound, Unavailable
from stationmaster.stations import directory, http_commands, http_internal
from stationmaster.stations import http as stations_http
from stationmaster.stations.model import Refusal
from stationmaster.tariffs import http as tariffs_http
from stationmaster.tariffs import versions
from stationmaster.wallet import http as wallet_http

pytestmark = pytest.mark.anyio

PASSWORD = "correct horse"
SECRET = "between ourselves"
ROUTERS = (
    http.router,
    http_people.router,
    http_id_tokens.router,
    stations_http.router,
    http_commands.router,
    http_internal.router,
    tariffs_http.router,
    wallet_http.router,
)


class Catalog:
    """One command, so that these tests are about the route and not about OCPP."""

    def names(self) -> list[str]:
        return ["Reset"]

    def encode(self, action: str, payload: dict[str, Any]) -> bytes:
        if action != "Reset":
            raise NotFound("unknown_command", action)
        return json.dumps(payload).encode()


@dataclass
class Site:
    world: World
    app: FastAPI

    def browser(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url="https://cms.test")

    async def program(self, email: str) -> httpx.AsyncClient:
        """Signed in with a bearer token."""
        client = self.browser()
        answer = await client.post("/api/auth/token", json={"email": email, "password": PASSWORD})
        assert answer.status_code == 200, answer.text
        client.headers["authorization"] = f"Bearer {answer.json()['accessToken']}"
        return client


@asynccontextmanager
async def a_site() -> AsyncIterator[Site]:
    async with a_world() as world:
        async with world.database.transaction() as uow:
            await people.create_operator(
                uow, email="root@x.test", password=PASSWORD, role="admin", **world.said
            )
            await people.create_operator(
                uow,
                email="acme@x.test",
                password=PASSWORD,
                organisation_id=world.organisation.id,
                **world.said,
            )
            other = await people.create_organisation(uow, name="Other", **world.said)
            await people.create_operator(
                uow,
                email="other@x.test",
                password=PASSWORD,
                role="admin",
                organisation_id=other.id,
                **world.said,
            )
            await people.create_driver(uow, email="ann@x.test", password=PASSWORD, name="Ann", **world.said)
        app = FastAPI()
        app.state.context = Context(
            database=world.database,
            bus=None,  # type: ignore[arg-type]  # no route here publishes
            cache=MemoryCache(world.clock),
            runtime=Runtime(clock=world.clock, ids=world.ids),
            commands=Catalog(),
            options={
                "station_pepper": PEPPER,
                "internal_secret": SECRET,
                "tariff_exists": versions.exists,
            },
        )
        problem.install(app)
        for router in ROUTERS:
            app.include_router(router)
        yield Site(world, app)


async def test_a_browser_signs_in_acts_and_signs_out() -> None:
    async with a_site() as site:
        browser = site.browser()
        assert (await browser.get("/api/auth/me")).status_code == 401
        answer = await browser.post("/api/auth/login", json={"email": "root@x.test", "password": PASSWORD})
        assert answer.json()["person"] | {"id": ""} == {
            "id": "",
            "name": "",
            "email": "root@x.test",
            "role": "admin",
            "kind": "operator",
            "organisationId": None,
        }
        cookie = answer.headers["set-cookie"].lower()
        assert all(word in cookie for word in ("httponly", "samesite=lax", "secure", "path=/"))
        me = (await browser.get("/api/auth/me")).json()
        assert me == answer.json()

        refused = await browser.post("/api/cms/organisations", json={"name": "New"})
        assert (refused.status_code, refused.json()["code"]) == (403, "csrf_token_missing")
        wrong = await browser.post(
            "/api/cms/organisations", json={"name": "New"}, headers={"x-csrf-token": "x"}
        )
        assert wrong.status_code == 403
        browser.headers["x-csrf-token"] = me["csrfToken"]
        assert (await browser.post("/api/cms/organisations", json={"name": "New"})).status_code == 201

        assert (await browser.post("/api/auth/logout")).status_code == 204
        assert (await browser.get("/api/auth/me")).status_code == 401


async def test_a_stolen_cookie_is_dead_after_sign_out() -> None:
    async with a_site() as site:
        browser = site.browser()
        await browser.post("/api/auth/login", json={"email": "root@x.test", "password": PASSWORD})
        thief = site.browser()
        thief.cookies = httpx.Cookies(browser.cookies)
        assert (await thief.get("/api/auth/me")).status_code == 200
        token = (await browser.get("/api/auth/me")).json()["csrfToken"]
        await browser.post("/api/auth/logout", headers={"x-csrf-token": token})
        assert (await thief.get("/api/auth/me")).status_code == 401


async def test_too_many_failures_wait() -> None:
    async with a_site() as site:
        browser = site.browser()
        wrong = {"email": "root@x.test", "password": "wrong"}
        statuses = [(await browser.post("/api/auth/login", json=wrong)).status_code for _ in range(11)]
        assert statuses == [401] * 10 + [429]


OPERATORS_ROUTES: tuple[tuple[str, str, Any], ...] = (
    ("GET", "/api/cms/stations", None),
    ("GET", "/api/cms/tariffs", None),
    ("GET", "/api/cms/operators", None),
    ("GET", "/api/cms/id-tokens", None),
    ("GET", "/api/cms/stations/refused", None),
    ("GET", "/api/cms/organisations", None),
    ("GET", "/api/cms/stations/CP1", None),
    ("GET", "/api/cms/stations/CP1/connectors", None),
    ("GET", "/api/cms/stations/CP1/commands", None),
    ("GET", "/api/cms/commands/c", None),
    ("GET", "/api/cms/wallets/d", None),
    ("GET", "/api/cms/wallets/d/statement", None),
    ("POST", "/api/cms/wallets/d/credits", {"amountMinor": 1, "reason": "x"}),
    ("POST", "/api/cms/stations", {"stationId": "X"}),
    ("PATCH", "/api/cms/stations/CP1", {"name": "X"}),
    ("POST", "/api/cms/stations/CP1/archive", None),
    ("POST", "/api/cms/stations/CP1/password", None),
    ("POST", "/api/cms/stations/CP1/commands/Reset", {}),
    ("POST", "/api/cms/drivers", {"email": "x@x.test"}),
    ("POST", "/api/cms/operators", {"email": "x@x.test", "password": PASSWORD}),
    ("POST", "/api/cms/organisations", {"name": "X"}),
    ("POST", "/api/cms/tariffs", {"name": "X", "priceMinorPerKwh": 1}),
    ("POST", "/api/cms/id-tokens", {"token": "X", "payerKind": "organisation"}),
    ("PATCH", "/api/cms/id-tokens/x", {"status": "Blocked"}),
    ("POST", "/api/cms/operators/x/disable", None),
    ("POST", "/api/cms/drivers/x/disable", None),
    ("POST", "/api/cms/tariffs/x/versions", {"priceMinorPerKwh": 1}),
)


async def test_operators_routes_are_closed_to_strangers_and_drivers() -> None:
    async with a_site() as site:
        await site.world.station()
        stranger, driver = site.browser(), await site.program("ann@x.test")
        headers = {"idempotency-key": "12345678"}
        for method, path, body in OPERATORS_ROUTES:
            for client, status in ((stranger, 401), (driver, 403)):
                answer = await client.request(method, path, json=body, headers=headers)
                assert answer.status_code == status, (method, path)


async def test_no_route_was_forgotten_in_that_list() -> None:
    """A new operators' route belongs into the list above."""
    async with a_site() as site:
        there = {
            (method.upper(), path)
            for path, methods in site.app.openapi()["paths"].items()
            for method in methods
            if path.startswith("/api/cms/")
        }
    listed = {(method, _template(path)) for method, path, _ in OPERATORS_ROUTES}
    assert there <= listed


def _template(path: str) -> str:
    """The route that a path of the list goes to."""
    for word, name in NAMES_IN_PATHS:
        path = re.sub(word, name, path)
    return path


NAMES_IN_PATHS = (
    (r"/stations/CP1", "/stations/{station_id}"),
    (r"/commands/Reset", "/commands/{action}"),
    (r"/cms/commands/c$", "/cms/commands/{command_id}"),
    (r"/wallets/d", "/wallets/{driver_id}"),
    (r"/id-tokens/x", "/id-tokens/{id_token_id}"),
    (r"/(operators|drivers)/x/", r"/\1/{person_id}/"),
    (r"/tariffs/x/", "/tariffs/{tariff_id}/"),
)


async def test_drivers_routes_are_closed_to_operators() -> None:
    async with a_site() as site:
        operator = await site.program("root@x.test")
        for path in ("/api/user/wallet", "/api/user/wallet/statement"):
            assert (await operator.get(path)).status_code == 403


OF_ANOTHER: tuple[tuple[str, str, Any], ...] = (
    ("GET", "/api/cms/stations/CP1", None),
    ("PATCH", "/api/cms/stations/CP1", {"name": "mine"}),
    ("POST", "/api/cms/stations/CP1/archive", None),
    ("POST", "/api/cms/stations/CP1/password", None),
    ("GET", "/api/cms/stations/CP1/connectors", None),
    ("GET", "/api/cms/stations/CP1/commands", None),
    ("POST", "/api/cms/stations/CP1/commands/Reset", {}),
    ("GET", "/api/cms/commands/{command}", None),
    ("POST", "/api/cms/tariffs/{tariff}/versions", {"priceMinorPerKwh": 1}),
    ("PATCH", "/api/cms/id-tokens/{token}", {"status": "Blocked"}),
    ("POST", "/api/cms/operators/{operator}/disable", None),
)


async def test_another_organisation_finds_nothing_of_ours() -> None:
    async with a_site() as site:
        await site.world.station()
        ours, other = await site.program("acme@x.test"), await site.program("other@x.test")
        card = {"token": "T", "payerKind": "organisation"}
        names = {
            "command": (await ours.post("/api/cms/stations/CP1/commands/Reset", json={})).json()["commandId"],
            "tariff": (await ours.post("/api/cms/tariffs", json={"name": "T", "priceMinorPerKwh": 1})).json()[
                "id"
            ],
            "token": (await ours.post("/api/cms/id-tokens", json=card)).json()["id"],
            "operator": (await ours.get("/api/auth/me")).json()["person"]["id"],
        }
        for method, path, body in OF_ANOTHER:
            answer = await other.request(method, path.format(**names), json=body)
            assert answer.status_code == 404, (method, path, answer.text)
        assert (await other.get("/api/cms/stations")).json()["items"] == []
        assert (await other.get("/api/cms/id-tokens")).json()["items"] == []
        assert (await other.get("/api/cms/tariffs")).json()["items"] == []
        assert [o["name"] for o in (await other.get("/api/cms/organisations")).json()["items"]] == ["Other"]
        assert [p["email"] for p in (await other.get("/api/cms/operators")).json()["items"]] == [
            "other@x.test"
        ]


async def test_an_organisations_people_stay_inside_it() -> None:
    async with a_site() as site:
        other = await site.program("other@x.test")
        acme = site.world.organisation.id
        refusals = [
            await other.post("/api/cms/stations", json={"stationId": "X", "organisationId": acme}),
            await other.post(
                "/api/cms/tariffs", json={"name": "X", "priceMinorPerKwh": 1, "organisationId": acme}
            ),
            await other.post(
                "/api/cms/operators", json={"email": "x@x.test", "password": PASSWORD, "organisationId": acme}
            ),
            await other.post("/api/cms/drivers", json={"email": "x@x.test"}),
            await other.post("/api/cms/organisations", json={"name": "X"}),
            await other.get("/api/cms/stations/refused"),
            await other.post(
                "/api/cms/id-tokens", json={"token": "X", "payerKind": "wallet", "driverId": "drv"}
            ),
        ]
        assert [answer.status_code for answer in refusals] == [403] * len(refusals)
        made = await other.post("/api/cms/operators", json={"email": "x@x.test", "password": PASSWORD})
        assert (
            made.json()["organisationId"]
            == (await other.get("/api/auth/me")).json()["person"]["organisationId"]
        )


async def test_a_station_from_registration_to_archive() -> None:
    async with a_site() as site:
        root = await site.program("root@x.test")
        body = {
            "stationId": "CP1",
            "name": "Yard",
            "connectorCount": 2,
            "organisationId": site.world.organisation.id,
        }
        answer = await root.post("/api/cms/stations", json=body)
        assert answer.status_code == 201, answer.text
        made = answer.json()
        assert len(made["password"]) == 32
        assert (made["station"]["stationId"], made["station"]["connectorCount"]) == ("CP1", 2)
        assert "keyDigest" not in answer.text
        assert (await root.post("/api/cms/stations", json=body)).status_code == 409
        assert (await root.post("/api/cms/stations", json={**body, "stationId": "a/b"})).status_code == 422
        nobodys = {**body, "stationId": "CP2", "organisationId": "nobody"}
        assert (await root.post("/api/cms/stations", json=nobodys)).status_code == 404
        connectors = (await root.get("/api/cms/stations/CP1/connectors")).json()["items"]
        assert [(c["connectorId"], c["status"]) for c in connectors] == [
            (0, "Unknown"),
            (1, "Unknown"),
            (2, "Unknown"),
        ]
        changed = (await root.patch("/api/cms/stations/CP1", json={"site": "North"})).json()
        assert (changed["site"], changed["name"]) == ("North", "Yard")
        assert (await root.patch("/api/cms/stations/CP1", json={"stationId": "X"})).status_code == 422
        assert len((await root.post("/api/cms/stations/CP1/password")).json()["password"]) == 32
        archived = await root.post("/api/cms/stations/CP1/archive")
        assert archived.json()["archivedAt"].endswith("Z")
        assert (await root.post("/api/cms/stations/CP1/commands/Reset", json={})).status_code == 409


async def test_stations_come_in_pages() -> None:
    async with a_site() as site:
        for name in ("A", "B", "C"):
            await site.world.station(name)
        root = await site.program("root@x.test")
        first = (await root.get("/api/cms/stations", params={"limit": 2})).json()
        rest = (
            await root.get("/api/cms/stations", params={"limit": 2, "cursor": first["nextCursor"]})
        ).json()
        assert [s["stationId"] for s in first["items"] + rest["items"]] == ["A", "B", "C"]
        assert rest["nextCursor"] is None
        assert (await root.get("/api/cms/stations", params={"cursor": "nonsense"})).status_code == 422


async def test_a_command_is_asked_and_followed() -> None:
    async with a_site() as site:
        await site.world.station()
        root = await site.program("root@x.test")
        answer = await root.post("/api/cms/stations/CP1/commands/Reset", json={"type": "Soft"})
        assert (answer.status_code, answer.json()["state"]) == (202, "queued")
        followed = (await root.get(f"/api/cms/commands/{answer.json()['commandId']}")).json()
        assert (followed["action"], followed["payload"], followed["answer"]) == (
            "Reset",
            {"type": "Soft"},
            None,
        )
        assert followed["actor"].startswith("operator:")
        assert (await root.get("/api/cms/stations/CP1/commands")).json()["items"] == [followed]
        assert (await root.post("/api/cms/stations/CP1/commands/Dance", json={})).status_code == 404
        assert (await root.post("/api/cms/stations/none/commands/Reset", json={})).status_code == 404
        own_route = await root.post("/api/cms/stations/CP1/commands/RemoteStartTransaction", json={})
        assert (own_route.status_code, own_route.json()["hint"]) == (409, "/api/cms/charging/start")


async def test_money_is_credited_once_per_key_and_shown_to_its_driver() -> None:
    async with a_site() as site:
        root, ann = await site.program("root@x.test"), await site.program("ann@x.test")
        driver_id = (await ann.get("/api/auth/me")).json()["person"]["id"]
        path = f"/api/cms/wallets/{driver_id}/credits"
        body = {"amountMinor": 5000, "reason": "cash"}
        assert (await root.post(path, json=body)).status_code == 400, "money needs a key"
        key = {"idempotency-key": "first-credit"}
        first = await root.post(path, json=body, headers=key)
        again = await root.post(path, json=body, headers=key)
        assert (first.status_code, again.status_code) == (201, 201)
        assert first.json() == again.json()
        assert first.json()["availableMinor"] == 5000
        other = await root.post(path, json={**body, "amountMinor": 1}, headers=key)
        assert (other.status_code, other.json()["code"]) == (422, "idempotency_mismatch")
        assert (await ann.get("/api/user/wallet")).json() == {
            "availableMinor": 5000,
            "heldMinor": 0,
            "owedMinor": 0,
            "currency": "INR",
        }
        (line,) = (await ann.get("/api/user/wallet/statement")).json()["items"]
        assert (line["amountMinor"], line["balanceBeforeMinor"], line["balanceAfterMinor"]) == (5000, 0, 5000)
        assert line["transactionId"] == first.json()["transactionId"]
        assert (await root.get(f"/api/cms/wallets/{driver_id}")).json()["availableMinor"] == 5000
        for bad in (0, -1, 1.5, 10**15):
            answer = await root.post(
                path, json={**body, "amountMinor": bad}, headers={"idempotency-key": "bad-credit"}
            )
            assert answer.status_code == 422
        unknown = await root.post(
            "/api/cms/wallets/nobody/credits", json=body, headers={"idempotency-key": "12345678"}
        )
        assert unknown.status_code == 404


async def test_prices_and_tokens() -> None:
    async with a_site() as site:
        ours = await site.program("acme@x.test")
        made = (
            await ours.post(
                "/api/cms/tariffs", json={"name": "Day", "priceMinorPerKwh": 1800, "taxBps": 1800}
            )
        ).json()
        later = await ours.post(
            f"/api/cms/tariffs/{made['id']}/versions",
            json={"priceMinorPerKwh": 2000, "validFrom": "2026-02-01T00:00:00"},
        )
        assert (later.status_code, later.json()["validFrom"]) == (201, "2026-02-01T00:00:00.000Z")
        past = {"priceMinorPerKwh": 1, "validFrom": "2020-01-01T00:00:00Z"}
        assert (await ours.post(f"/api/cms/tariffs/{made['id']}/versions", json=past)).status_code == 422
        (listed,) = (await ours.get("/api/cms/tariffs")).json()["items"]
        assert [v["priceMinorPerKwh"] for v in listed["versions"]] == [2000, 1800]

        free = {"token": "abc", "payerKind": "free", "payerReason": "staff"}
        token = (await ours.post("/api/cms/id-tokens", json=free)).json()
        assert (token["token"], token["status"]) == ("ABC", "Accepted")
        blocked = await ours.patch(f"/api/cms/id-tokens/{token['id']}", json={"status": "Blocked"})
        assert blocked.json()["status"] == "Blocked"
        assert len((await ours.get("/api/cms/id-tokens")).json()["items"]) == 1


async def test_a_disabled_operator_is_out_at_once() -> None:
    async with a_site() as site:
        root, acme = await site.program("root@x.test"), await site.program("acme@x.test")
        person_id = (await acme.get("/api/auth/me")).json()["person"]["id"]
        own_id = (await root.get("/api/auth/me")).json()["person"]["id"]
        assert (await root.post(f"/api/cms/operators/{own_id}/disable")).status_code == 403
        assert (await root.post(f"/api/cms/operators/{person_id}/disable")).status_code == 200
        assert (await acme.get("/api/auth/me")).status_code == 401


async def test_the_gateways_door_opens_with_the_secret_only() -> None:
    async with a_site() as site:
        await site.world.station("RDAM|123")
        stranger, gateway = site.browser(), site.browser()
        gateway.headers["authorization"] = f"Bearer {SECRET}"
        for headers in (
            {},
            {"authorization": "Bearer wrong"},
            {"authorization": "Bearer "},
            {"authorization": SECRET},
        ):
            assert (await stranger.get("/internal/stations/RDAM%7C123", headers=headers)).status_code == 401
        site.app.state.context.options["internal_secret"] = ""
        assert (
            await stranger.get("/internal/stations/RDAM%7C123", headers={"authorization": "Bearer "})
        ).status_code == 401
        site.app.state.context.options["internal_secret"] = SECRET

        record = (await gateway.get("/internal/stations/RDAM%7C123")).json()
        assert (record["stationId"], record["securityProfile"], record["isArchived"]) == (
            "RDAM|123",
            1,
            False,
        )
        assert len(record["keyDigest"]) == 64
        assert (await gateway.get("/internal/stations/nobody")).status_code == 404
        numbers = [
            (await gateway.post("/internal/gateways", json={"gatewayId": g})).json()["number"] for g in "aba"
        ]
        assert numbers == [1, 2, 1]
        lease = {"gatewayId": "a", "count": 5}
        leased = [
            (await gateway.post("/internal/transaction-ids", json=lease)).json()["transactionIds"]
            for _ in "ab"
        ]
        assert len({*leased[0], *leased[1]}) == 10
        refusals = [
            {
                "stationId": "X",
                "remoteAddress": "10.0.0.1",
                "reason": "unknown_station",
                "at": "2026-01-01T00:00:00Z",
            }
        ]
        assert (await gateway.post("/internal/refusals", json=refusals)).status_code == 204
        root = await site.program("root@x.test")
        (shown,) = (await root.get("/api/cms/stations/refused")).json()["items"]
        assert (shown["stationId"], shown["reason"], shown["count"]) == ("X", "unknown_station", 1)


async def test_what_strangers_called_themselves_is_kept_short() -> None:
    async with a_site() as site:
        async with site.world.database.transaction() as uow:
            await directory.refused(uow, [Refusal("x" * 5000, "10.0.0.1", "bad_identity", site.world.now)])
        root = await site.program("root@x.test")
        (shown,) = (await root.get("/api/cms/stations/refused")).json()["items"]
        assert len(shown["stationId"]) == directory.TEXT_MAX


async def test_the_gateways_client_and_these_routes_understand_each_other() -> None:
    async with a_site() as site:
        made = await site.world.station("RDAM|123")
        client = RestDirectory("http://api.test", SECRET, transport=httpx.ASGITransport(site.app))
        record = await client.lookup("RDAM|123")
        assert record is not None
        assert (record.station_id, record.charger_id, record.security_profile) == (
            "RDAM|123",
            made.charger_id,
            1,
        )
        assert await client.lookup("nobody") is None
        assert await client.register_gateway("gw1") == 1
        assert len(set(await client.lease_transaction_ids("gw1", 100))) == 100
        at = "2026-01-01T00:00:00.000Z"
        await client.refused(
            [RefusedHandshake(station_id="X", remote_address="1.2.3.4", reason="r", count=3, at=at)]
        )
        async with site.world.database.reading() as reader:
            (kept,) = await directory.recently_refused(reader)
        assert (kept.station_id, kept.count, kept.at) == ("X", 3, site.world.now)
        stranger = RestDirectory("http://api.test", "wrong", transport=httpx.ASGITransport(site.app))
        with pytest.raises(Unavailable):
            await stranger.lookup("RDAM|123")
        await client.stop()
        await stranger.stop()


async def test_a_station_sells_by_its_own_organisations_tariffs_only() -> None:
    async with a_site() as site:
        acme, other = await site.program("acme@x.test"), await site.program("other@x.test")
        price = {"name": "Day", "priceMinorPerKwh": 1500}
        mine = (await acme.post("/api/cms/tariffs", json=price)).json()["id"]
        theirs = (await other.post("/api/cms/tariffs", json=price)).json()["id"]
        for tariff_id, status in (("none", 422), (theirs, 422), (mine, 201)):
            made = await acme.post("/api/cms/stations", json={"stationId": "CP1", "tariffId": tariff_id})
            assert made.status_code == status, made.text
        for value, status in (("none", 422), (theirs, 422), (mine, 200), (None, 200)):
            changed = await acme.patch("/api/cms/stations/CP1", json={"tariffId": value})
            assert changed.status_code == status, changed.text
        site.app.state.context.options.pop("tariff_exists")
        assert (await acme.patch("/api/cms/stations/CP1", json={"tariffId": mine})).status_code == 422


async def test_prices_are_in_the_organisations_currency() -> None:
    async with a_site() as site:
        acme, root = await site.program("acme@x.test"), await site.program("root@x.test")
        price = {"name": "Day", "priceMinorPerKwh": 1500}
        for currency, status in (("USD", 422), ("inr", 422), ("I", 422), ("INR", 201), ("", 201)):
            made = await acme.post("/api/cms/tariffs", json=price | {"currency": currency})
            assert made.status_code == status, made.text
        tariff_id = (await acme.get("/api/cms/tariffs")).json()["items"][0]["id"]
        later = {"priceMinorPerKwh": 1, "currency": "USD"}
        path = f"/api/cms/tariffs/{tariff_id}/versions"
        assert (await acme.post(path, json=later)).status_code == 422
        organisation = await root.post("/api/cms/organisations", json={"name": "US", "currency": "USD"})
        assert organisation.status_code == 422


NUL = "a\0b"


async def test_what_no_database_takes_is_a_mistake_of_the_asker() -> None:
    async with a_site() as site:
        root, acme, ann = [await site.program(f"{who}@x.test") for who in ("root", "acme", "ann")]
        await acme.post("/api/cms/stations", json={"stationId": "CP1"})
        driver_id = (await ann.get("/api/auth/me")).json()["person"]["id"]
        for value in ("abc", [1], None, 2**70, 1.5, True):
            cursor = {"cursor": pagination.encode([value])}
            for client, path in (
                (ann, "/api/user/wallet/statement"),
                (root, f"/api/cms/wallets/{driver_id}/statement"),
            ):
                assert (await client.get(path, params=cursor)).status_code == 422, value
        for value in (7, [1], NUL):
            cursor = {"cursor": pagination.encode([value])}
            for path in ("/api/cms/stations", "/api/cms/id-tokens"):
                assert (await acme.get(path, params=cursor)).status_code == 422, value
        for path, said in (("stations", {"search": NUL}), ("id-tokens", {"driverId": NUL})):
            assert (await acme.get(f"/api/cms/{path}", params=said)).status_code == 422, path
        for path in ("stations/a%00b", "stations/a%00b/connectors", "stations/a%00b/commands"):
            assert (await acme.get(f"/api/cms/{path}")).status_code == 422, path
        for change in ({"name": None}, {"site": None}, {"timezone": None}, {"maxPowerW": None}):
            assert (await acme.patch("/api/cms/stations/CP1", json=change)).status_code == 422, change
        for change in ({"timezone": "Mars/Olympus"}, {"timezone": "../etc"}, {"name": NUL}, {"site": NUL}):
            assert (await acme.patch("/api/cms/stations/CP1", json=change)).status_code == 422, change
            made = await acme.post("/api/cms/stations", json={"stationId": "CP2"} | change)
            assert made.status_code == 422, change
        card = {"token": "CARD", "payerKind": "free", "payerReason": NUL}
        assert (await acme.post("/api/cms/id-tokens", json=card)).status_code == 422
        assert (await acme.patch("/api/cms/id-tokens/a%00b", json={"status": "Blocked"})).status_code == 422
        good = {"name": "New", "timezone": "Europe/Berlin"}
        assert (await acme.patch("/api/cms/stations/CP1", json=good)).status_code == 200
