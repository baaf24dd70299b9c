"""A second currency is refused where it comes in; where it is there all the same, nobody pays with it."""

import pytest
from sqlalchemy import update
from tests.unit.charging.kit import Street, a_street

from stationmaster.charging.model import State
from stationmaster.identity import people
from stationmaster.kernel.errors import Invalid, Refused
from stationmaster.tariffs import versions
from stationmaster.tariffs.tables import tariff_version

pytestmark = pytest.mark.anyio


async def sells_in(street: Street, currency: str) -> None:
    """As an installation of before the check may have it."""
    async with street.database.transaction() as uow:
        await uow.execute(update(tariff_version).values(currency=currency))


async def test_a_platform_has_one_currency() -> None:
    async with a_street() as street:
        for currency in ("USD", "inr", "", "INRX", "IN"):
            with pytest.raises(Invalid):
                async with street.database.transaction() as uow:
                    await people.create_organisation(
                        uow, name="Other", currency=currency, **street.world.said
                    )


async def test_a_tariff_has_its_organisations_currency() -> None:
    async with a_street() as street:
        said = street.world.said | {"price_minor_per_kwh": 1, "currency": "USD"}
        with pytest.raises(Invalid, match="INR"):
            async with street.database.transaction() as uow:
                await versions.create(
                    uow, organisation_id=street.world.organisation.id, name="Dollars", **said
                )


async def test_a_card_whose_money_is_of_another_currency_is_blocked_and_nothing_is_booked() -> None:
    async with a_street() as street:
        await street.station()
        driver = await street.driver(50_000)
        await street.card("CARD1", driver)
        await sells_in(street, "USD")
        assert (await street.says("Authorize", {"idTag": "CARD1"}))["idTagInfo"]["status"] == "Blocked"
        answer = await street.begins("CARD1")
        assert answer["idTagInfo"]["status"] == "Blocked"
        orphan = await street.only_session()
        assert (orphan.state, orphan.payer_kind) == (State.ORPHANED, "nobody")
        street.clock.advance(600)
        await street.ends(answer["transactionId"], meter=2_000)
        assert (await street.only_session()).cost_minor == 0
        assert (await street.balance(driver)).available_minor == 50_000


async def test_an_app_cannot_start_in_another_currency() -> None:
    async with a_street() as street:
        await street.station()
        driver = await street.driver(50_000)
        await sells_in(street, "USD")
        with pytest.raises(Refused, match="USD"):
            await street.start(driver)
        assert await street.sessions() == []


async def test_an_organisations_card_does_not_pay_in_a_second_currency() -> None:
    async with a_street() as street:
        await street.station()
        await street.card("FLEET", payer_kind="organisation")
        first = await street.begins("FLEET")
        street.clock.advance(600)
        await street.ends(first["transactionId"], meter=2_000)
        await sells_in(street, "USD")
        second = await street.begins("FLEET", meter=2_000)
        assert second["idTagInfo"]["status"] == "Blocked"
        street.clock.advance(600)
        await street.ends(second["transactionId"], meter=3_000)
