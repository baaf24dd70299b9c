"""Who may look at which screen, and what no screen takes."""

import pytest
from tests.unit.views.kit import ACME, ANN, ROOT, Site

from stationmaster.infra.http import pagination

pytestmark = pytest.mark.anyio

CMS_LISTS = ("charging-points", "sessions", "ocpp-log", "drivers")
USER_LISTS = ("stations", "sessions")
ONES = ("cms/charging-points/CP1", "cms/sessions/ses_1", "user/sessions/ses_1", "user/stations/CP1")
LISTS = [*(f"/api/cms/{name}" for name in CMS_LISTS), *(f"/api/user/{name}" for name in USER_LISTS)]
ALL = [*LISTS, *(f"/api/{path}" for path in ONES)]


def fitting(path: str) -> str:
    return ANN if path.startswith("/api/user/") else ACME


async def test_nobody_sees_anything_without_signing_in(site: Site) -> None:
    for path in ALL:
        assert (await site.ask(path)).status_code == 401, path


async def test_drivers_see_no_operators_screen_and_the_other_way_round(site: Site) -> None:
    for path in ALL:
        wrong = ACME if fitting(path) == ANN else ANN
        assert (await site.ask(path, wrong)).status_code == 403, path


async def test_an_empty_world_has_empty_screens(site: Site) -> None:
    for path in LISTS:
        body = await site.see(path, fitting(path))
        if "drivers" not in path:
            assert (body["items"], body["nextCursor"]) == ([], None), path
    for path in ONES:
        assert (await site.ask(f"/api/{path}", fitting(f"/api/{path}"))).status_code == 404, path


@pytest.mark.parametrize("path", LISTS)
async def test_a_page_has_bounds(site: Site, path: str) -> None:
    for limit in ("0", "-1", "201", "x"):
        assert (await site.ask(path, fitting(path), limit=limit)).status_code == 422, limit
    for limit in (1, 200):
        assert (await site.ask(path, fitting(path), limit=limit)).status_code == 200


@pytest.mark.parametrize("path", LISTS)
async def test_a_cursor_is_one_of_ours(site: Site, path: str) -> None:
    strange = [
        "nonsense",
        "%",
        pagination.encode([]),
        pagination.encode([1, 2, 3, 4, 5, 6]),
        *(pagination.encode([value] * n) for value in (None, 7, {}, "a\0b", 2**70) for n in (1, 2, 5)),
        pagination.encode(["2026-13-01", 1]),
        pagination.encode(["2026-01-01T00:00:00Z", "x", "1", 1, "call"]),
        "A" * 513,
    ]
    for cursor in strange:
        answer = await site.ask(path, fitting(path), cursor=cursor)
        assert answer.status_code == 422, (cursor, answer.text)


async def test_half_a_character_is_no_cursor(site: Site) -> None:
    cursor = pagination.encode(["\ud800"])
    assert (await site.ask("/api/cms/charging-points", ROOT, cursor=cursor)).status_code == 422


STRANGE = [
    ("cms/charging-points", {"status": "Nice"}),
    ("cms/charging-points", {"search": "a\0"}),
    ("cms/charging-points", {"search": "x" * 101}),
    ("cms/charging-points/a%00b", {}),
    ("cms/sessions", {"state": "DONE"}),
    ("cms/sessions", {"live": "perhaps"}),
    ("cms/sessions", {"from": "yesterday"}),
    ("cms/sessions", {"to": "9999-12-31T23:59:59-10:00"}),
    ("cms/sessions", {"stationId": "\0"}),
    ("cms/sessions/%00", {}),
    ("cms/ocpp-log", {"direction": "Sideways"}),
    ("cms/ocpp-log", {"kind": "rumour"}),
    ("cms/ocpp-log", {"search": "\0"}),
    ("cms/ocpp-log", {"from": "0001-01-01T00:00:00+10:00"}),
    ("cms/drivers", {"search": "\0"}),
]


async def test_what_cannot_be_asked_is_refused_by_name(site: Site) -> None:
    for path, params in STRANGE:
        answer = await site.ask(f"/api/{path}", ROOT, **params)
        assert answer.status_code == 422, (path, params, answer.text)


async def test_a_very_early_time_is_no_trouble(site: Site) -> None:
    for path in ("sessions", "ocpp-log"):
        assert (await site.ask(f"/api/cms/{path}", ROOT, to="0001-01-02T00:00:00Z")).status_code == 200


async def test_every_screen_is_described_with_its_types(site: Site) -> None:
    answer = await site.ask("/api/openapi.json")
    described = answer.json()
    for path in LISTS:
        said = described["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
        page = described["components"]["schemas"][said["$ref"].rpartition("/")[2]]
        assert "$ref" in page["properties"]["items"]["items"], path
