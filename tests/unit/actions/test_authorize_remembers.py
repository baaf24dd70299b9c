"""Which accepted idTokens may a gateway accept by itself while nobody can be asked?"""

from datetime import UTC, datetime

import pytest
from tests.unit.charging.kit import a_street

from stationmaster.actions.dispatch import Call
from stationmaster.actions.v16 import authorize
from stationmaster.actions.v16.authorize import AuthorizeRequest
from stationmaster.identity import id_tokens


def _call(id_tag: str) -> Call[AuthorizeRequest]:
    request = AuthorizeRequest(id_tag=id_tag)
    return Call("CP1", "chg_1", 1, 1, "m1", "Authorize", request, datetime(2026, 1, 1, tzinfo=UTC), b"{}")


@pytest.mark.anyio
async def test_an_organisations_card_is_remembered_and_a_wallets_is_not() -> None:
    """What is in a wallet cannot be known later; who an organisation pays for can."""
    async with a_street() as street:
        world = street.world
        await street.station()
        driver = await world.driver()
        async with world.database.transaction() as uow:
            await id_tokens.register(
                uow,
                token="FLEET",
                organisation_id=world.organisation.id,
                payer_kind="organisation",
                **world.said,
            )
            await id_tokens.register(
                uow,
                token="PURSE",
                organisation_id=world.organisation.id,
                payer_kind="wallet",
                driver_id=driver.id,
                **world.said,
            )
        calls = [_call("FLEET"), _call("PURSE"), _call("NOBODY")]
        async with world.database.transaction() as uow:
            answers = await authorize.handle(calls, uow=uow, clock=world.clock)
    assert answers[0].id_tag_info.status == "Accepted"
    assert [call.remember_id_token for call in calls] == ["FLEET", "", ""]
