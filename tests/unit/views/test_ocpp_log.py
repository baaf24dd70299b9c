"""What operators see of the conversation with stations."""

from typing import Any

import pytest
from tests.unit.views.kit import ACME, OTHER, ROOT, Site

pytestmark = pytest.mark.anyio
PATH = "/api/cms/ocpp-log"
ACCEPTED = {"status": "Accepted"}


async def some_talk(site: Site) -> None:
    """A call answered at once, one answered after a decision, a command, one nobody answers, and rubbish."""
    await site.street.world.station("CP1")
    await site.logs(
        site.frame(1, "StatusNotification", {"status": "Charging"}, answer={}),
        site.frame(2, "Authorize", {"idTag": "T_1"}, after_ms=1_000),
        site.frame(2, "Authorize", {"idTagInfo": ACCEPTED}, kind="answer", after_ms=1_040),
        site.frame(1, "Reset", {"type": "Soft"}, kind="command", message_id="r1", after_ms=2_000),
        site.frame(3, "Reset", ACCEPTED, kind="result", message_id="r1", after_ms=2_250),
        site.frame(2, "ClearCache", kind="command", message_id="r2", after_ms=3_000),
        site.frame(4, "ClearCache", {"code": "NotSupported"}, kind="error", message_id="r2", after_ms=3_500),
        site.frame(5, "Heartbeat", after_ms=4_000),
        site.frame(6, "Invalid", kind="invalid", after_ms=5_000, flags=["rubbish"]),
    )


def spelled(items: list[Any]) -> list[tuple[str, str]]:
    return [(item["message"], item["kind"]) for item in items]


async def test_everything_is_there_newest_first(site: Site) -> None:
    await some_talk(site)
    page = await site.see(PATH, ACME)
    assert spelled(page["items"]) == [
        ("Invalid", "invalid"),
        ("Heartbeat", "call"),
        ("ClearCache", "error"),
        ("ClearCache", "command"),
        ("Reset", "result"),
        ("Reset", "command"),
        ("Authorize", "answer"),
        ("Authorize", "call"),
        ("StatusNotification", "answer"),
        ("StatusNotification", "call"),
    ]
    assert page["nextCursor"] is None
    assert page["searchedFrom"] == "2025-12-25T00:00:00.000Z"
    assert len({item["id"] for item in page["items"]}) == 10


async def test_calls_and_answers_are_pairs_both_ways(site: Site) -> None:
    await some_talk(site)
    items = await site.items(PATH, ACME)
    by_id = {item["id"]: item for item in items}
    took = {}
    for item in items:
        if item["pair"] is None:
            took[item["message"]] = "alone"
            continue
        other = by_id[item["pair"]["id"]]
        assert other["pair"]["id"] == item["id"]
        assert (item["pair"]["kind"], item["pair"]["data"]) == (other["kind"], other["data"])
        assert item["pair"]["timestamp"] == other["timestamp"]
        assert (item["message"], item["messageId"]) == (other["message"], other["messageId"])
        assert item["roundTripMs"] == other["roundTripMs"]
        took[item["message"]] = item["roundTripMs"]
    assert took == {
        "StatusNotification": None,
        "Authorize": 40,
        "Reset": 250,
        "ClearCache": 500,
        "Heartbeat": "alone",
        "Invalid": "alone",
    }


async def test_a_row_is_told_whole(site: Site) -> None:
    await some_talk(site)
    (item,) = await site.items(PATH, ACME, kind="call", type="Authorize")
    del item["id"], item["pair"]
    assert item == {
        "deviceId": "CP1",
        "chargerId": "chg-CP1",
        "message": "Authorize",
        "direction": "Incoming",
        "kind": "call",
        "messageId": "m2",
        "timestamp": "2026-01-01T00:00:01.000Z",
        "data": {"idTag": "T_1"},
        "raw": '[2,"m2","Authorize",{"idTag":"T_1"}]',
        "flags": [],
        "roundTripMs": 40,
    }
    (invalid,) = await site.items(PATH, ACME, kind="invalid")
    assert invalid["flags"] == ["rubbish"]


async def test_pairs_do_not_cross_stations_links_or_times(site: Site) -> None:
    await site.street.world.station("CP1")
    await site.street.world.station("CP2")
    await site.logs(
        site.frame(1, "Authorize"),
        site.frame(1, "Authorize", kind="answer", station="CP2"),
        site.frame(1, "Authorize", kind="answer", epoch=8),
        site.frame(2, "Authorize", kind="answer"),
        site.frame(1, "Reset", kind="command", message_id="m1"),
        site.frame(1, "Authorize", kind="answer", after_ms=3_600_000),
    )
    items = await site.items(PATH, ACME)
    assert len(items) == 6
    assert [item["message"] for item in items if item["pair"]] == []


async def test_an_answer_that_was_sent_twice_is_one_pair(site: Site) -> None:
    await site.street.world.station("CP1")
    await site.logs(
        site.frame(1, "Authorize"),
        site.frame(1, "Authorize", kind="answer", after_ms=50),
        site.frame(1, "Authorize", kind="answer", after_ms=900),
    )
    items = await site.items(PATH, ACME)
    assert [item["kind"] for item in items] == ["answer", "answer", "call"]
    assert [item["roundTripMs"] for item in items] == [900, 50, 50]


async def test_an_answer_on_another_page_is_a_pair_all_the_same(site: Site) -> None:
    await some_talk(site)
    whole = await site.items(PATH, ACME)
    for limit in (1, 3, 4):
        assert await site.walk(PATH, ACME, limit) == whole
        assert await site.walk(PATH, ACME, limit, deviceId="CP1") == whole


async def test_filters_find_what_they_name(site: Site) -> None:
    await some_talk(site)
    await site.street.world.station("CP2")
    await site.logs(site.frame(1, "Heartbeat", station="CP2", message_id="a_b%C", after_ms=6_000))
    counts: list[tuple[dict[str, Any], int]] = [
        ({}, 11),
        ({"deviceId": "CP1"}, 10),
        ({"deviceId": "CP9"}, 0),
        ({"type": "Reset"}, 2),
        ({"type": ["Reset", "Authorize"]}, 4),
        ({"exclude": "Heartbeat"}, 9),
        ({"exclude": ["Heartbeat", "Reset"], "direction": "Outgoing"}, 3),
        ({"direction": "Incoming"}, 7),
        ({"kind": ["error", "invalid"]}, 2),
        ({"from": "2026-01-01T00:00:04Z"}, 3),
        ({"to": "2026-01-01T00:00:01Z"}, 2),
        ({"from": "2026-01-01T00:00:01Z", "to": "2026-01-01T00:00:02Z"}, 2),
        ({"search": "r1"}, 2),
        ({"search": "t_1"}, 1),
        ({"search": "TX1"}, 0),
        ({"search": "a_b%c"}, 1),
        ({"search": "%C"}, 1),
        ({"search": '"Soft"'}, 1),
    ]
    for params, expected in counts:
        assert len(await site.items(PATH, ACME, **params)) == expected, params


async def test_a_fleet_is_looked_through_for_a_week_and_a_station_for_all_time(site: Site) -> None:
    await some_talk(site)
    site.clock.advance(2 * 24 * 3600)
    assert len(await site.items(PATH, ACME)) == 10
    assert await site.items(PATH, ACME, search="r1") == [], "words: one day"
    assert len(await site.items(PATH, ACME, search="r1", deviceId="CP1")) == 2
    site.clock.advance(6 * 24 * 3600)
    site.sign_out()
    assert await site.items(PATH, ACME) == []
    assert len(await site.items(PATH, ACME, **{"from": "2025-12-31T00:00:00Z"})) == 10
    assert len(await site.items(PATH, ACME, to="2026-01-02T00:00:00Z")) == 10
    page = await site.see(PATH, ACME, deviceId="CP1")
    assert (len(page["items"]), page["searchedFrom"]) == (10, None)


async def test_another_organisations_talk_is_not_heard(site: Site) -> None:
    await some_talk(site)
    await site.logs(site.frame(1, "Heartbeat", station="NOT-OURS"))
    assert len(await site.items(PATH, ROOT)) == 11
    assert len(await site.items(PATH, ACME)) == 10
    for params in ({}, {"deviceId": "CP1"}, {"search": "r1"}, {"deviceId": "NOT-OURS"}):
        assert await site.items(PATH, OTHER, **params) == []
    cursor = (await site.see(PATH, ROOT, limit=1))["nextCursor"]
    assert await site.items(PATH, OTHER, cursor=cursor) == []


async def test_a_page_costs_the_same_whatever_is_on_it(site: Site) -> None:
    await some_talk(site)
    assert await site.cost(PATH, ACME, limit=1) == await site.cost(PATH, ACME)
