"""What operators see of drivers, and of their money."""

import pytest
from tests.unit.views.kit import ACME, ANN, BOB, OTHER, ROOT, Site

from stationmaster.identity import people

pytestmark = pytest.mark.anyio
PATH = "/api/cms/drivers"


async def test_the_platform_sees_what_each_driver_has(site: Site) -> None:
    await site.street.station("CP1")
    await site.street.credit(site.ann, 50_000)
    await site.street.start(site.ann, amount=20_000)
    bob, ann = await site.items(PATH, ROOT)
    assert ann == {
        "id": site.ann,
        "name": "Ann",
        "email": ANN,
        "phone": "+911",
        "isDisabled": False,
        "availableMinor": 30_000,
        "heldMinor": 20_000,
        "currency": "INR",
    }
    assert (bob["email"], bob["availableMinor"], bob["heldMinor"], bob["currency"]) == (BOB, 0, 0, "INR")


async def test_an_organisation_sees_whom_to_start_for_and_nobodys_money(site: Site) -> None:
    await site.street.station("CP1")
    await site.street.credit(site.ann, 50_000)
    await site.street.start(site.ann, amount=20_000)
    (ann,) = await site.items(PATH, ACME, search="ann")
    assert ann == {
        "id": site.ann,
        "name": "Ann",
        "email": ANN,
        "phone": None,
        "isDisabled": False,
        "availableMinor": None,
        "heldMinor": None,
        "currency": None,
    }
    assert await site.items(PATH, ACME, search="+911") == [], "what is hidden cannot be guessed by searching"
    assert len(await site.items(PATH, ROOT, search="+911")) == 1


async def test_an_organisation_sees_those_who_charged_at_its_own_stations(site: Site) -> None:
    await site.street.station("CP1")
    assert await site.items(PATH, ACME) == []
    await site.street.credit(site.ann, 50_000)
    await site.street.start(site.ann, amount=20_000)
    assert [one["email"] for one in await site.items(PATH, ACME)] == [ANN]
    assert await site.items(PATH, OTHER) == []
    assert len(await site.items(PATH, ROOT)) == 2


async def test_search_takes_words_as_they_are(site: Site) -> None:
    for words, expected in {
        "ANN": [ANN],
        "bob@": [BOB],
        "%": [],
        "_": [ANN, BOB],
        "@x.test": [BOB, ANN],
    }.items():
        found = [item["email"] for item in await site.items(PATH, ROOT, search=words)]
        assert sorted(found) == sorted(expected), words


async def test_the_disabled_are_marked_and_operators_are_no_drivers(site: Site) -> None:
    async with site.street.database.transaction() as uow:
        await people.disable(uow, person_id=site.ann, now=site.clock.now())
    disabled = {item["email"]: item["isDisabled"] for item in await site.items(PATH, ROOT)}
    assert disabled == {ANN: True, BOB: False}


async def test_pages_tell_every_driver_once_at_the_same_cost(site: Site) -> None:
    before = await site.cost(PATH, ROOT)
    for _ in range(5):
        await site.street.driver(1_000)
    walked = await site.walk(PATH, ROOT, 3)
    assert [(one["name"], one["id"]) for one in walked] == sorted((one["name"], one["id"]) for one in walked)
    assert len({one["id"] for one in walked}) == len(walked) == 7
    assert await site.cost(PATH, ROOT) == before
