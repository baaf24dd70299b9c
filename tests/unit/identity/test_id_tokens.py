"""Cards and apps, and who pays for them."""

from datetime import timedelta
from typing import Any

import pytest
from tests.support.rooms import World, a_world

from stationmaster.identity import id_tokens
from stationmaster.identity.model import IdToken
from stationmaster.identity.rules.id_token import status_at
from stationmaster.kernel.errors import Invalid, NotFound, Refused

pytestmark = pytest.mark.anyio


async def a_token(world: World, token: str = "card1", **values: Any) -> IdToken:
    given = {"payer_kind": "organisation", "organisation_id": world.organisation.id, **values}
    async with world.database.transaction() as uow:
        return await id_tokens.register(uow, token=token, **given, **world.said)


async def test_a_token_is_found_without_regard_to_case() -> None:
    async with a_world() as world:
        made = await a_token(world, " Card1 ")
        async with world.database.reading() as reader:
            assert await id_tokens.find(reader, "cARD1") == made
            assert await id_tokens.find(reader, "card2") is None
            assert await id_tokens.find_many(reader, ["card1", "CARD1", "x"]) == {"CARD1": made}
            assert await id_tokens.find_many(reader, []) == {}
        with pytest.raises(Refused):
            await a_token(world, "CARD1")


@pytest.mark.parametrize(
    "values",
    [
        {"payer_kind": "wallet"},
        {"payer_kind": "free"},
        {"payer_kind": "free", "payer_reason": ""},
        {"payer_kind": "somebody"},
    ],
)
async def test_each_has_a_payer(values: dict[str, Any]) -> None:
    async with a_world() as world:
        with pytest.raises(Invalid):
            await a_token(world, **values)


async def test_a_wallet_is_a_drivers() -> None:
    async with a_world() as world:
        driver = await world.driver()
        assert (await a_token(world, payer_kind="wallet", driver_id=driver.id)).driver_id == driver.id
        with pytest.raises(NotFound):
            await a_token(world, "card2", payer_kind="wallet", driver_id="drv_nobody")


@pytest.mark.parametrize("token", ["", " ", "x" * 37, "a\nb", "a\x00"])
async def test_an_unprintable_token_is_refused(token: str) -> None:
    async with a_world() as world:
        with pytest.raises(Invalid):
            await a_token(world, token)


async def test_status_by_time_and_by_block() -> None:
    async with a_world() as world:
        made = await a_token(world, expires_at=world.now + timedelta(hours=1))
        assert status_at(made, world.now) == "Accepted"
        assert status_at(made, world.now + timedelta(hours=1)) == "Expired"
        async with world.database.transaction() as uow:
            blocked = await id_tokens.set_status(uow, id_token_id=made.id, status="Blocked")
            assert status_at(blocked, world.now) == "Blocked"
            with pytest.raises(NotFound):
                await id_tokens.set_status(
                    uow, id_token_id=made.id, status="Accepted", organisation_id="other"
                )
            with pytest.raises(Invalid):
                await id_tokens.set_status(uow, id_token_id=made.id, status="Lost")
