"""What the holder of an idToken is told."""

from datetime import UTC, datetime, timedelta

import pytest
from tests.unit.charging.kit import PRICE, a_street

from stationmaster.charging.model import Verdict
from stationmaster.charging.rules.authorise import KnownToken, authorise
from stationmaster.identity import people
from stationmaster.kernel.clock import isoformat_z

NOW = datetime(2026, 1, 1, tzinfo=UTC)
CARD = KnownToken("Accepted", None, is_paid_by_wallet=True)


@pytest.mark.parametrize(
    ("token", "money", "elsewhere", "verdict"),
    [
        (CARD, 1000, False, Verdict.ACCEPTED),
        (CARD, 999, False, Verdict.BLOCKED),
        (CARD, 1000, True, Verdict.CONCURRENT),
        (None, 1000, False, Verdict.INVALID),
        (KnownToken("Blocked", None, is_paid_by_wallet=True), 1000, False, Verdict.BLOCKED),
        (KnownToken("Accepted", NOW, is_paid_by_wallet=True), 1000, False, Verdict.EXPIRED),
        (
            KnownToken("Accepted", NOW + timedelta(seconds=1), is_paid_by_wallet=True),
            1000,
            False,
            Verdict.ACCEPTED,
        ),
        (KnownToken("Accepted", None, is_paid_by_wallet=False), 0, False, Verdict.ACCEPTED),
    ],
)
def test_verdicts(token: KnownToken | None, money: int, elsewhere: bool, verdict: Verdict) -> None:
    found = authorise(
        token, now=NOW, spendable_minor=money, needed_minor=1000, is_charging_elsewhere=elsewhere
    )
    assert found is verdict


@pytest.mark.anyio
@pytest.mark.parametrize("payer_kind", ["free", "organisation"])
async def test_a_card_that_costs_its_holder_nothing_opens_its_own_organisations_stations_only(
    payer_kind: str,
) -> None:
    async with a_street() as street:
        async with street.database.transaction() as uow:
            other = await people.create_organisation(uow, name="Other", **street.world.said)
        await street.station("HERE")
        await street.station("THERE", organisation_id=other.id)
        await street.card("STAFF", payer_kind=payer_kind)
        for station_id, verdict in (("THERE", "Invalid"), ("HERE", "Accepted")):
            call = street.call("Authorize", {"idTag": "STAFF"}, station_id=station_id)
            async with street.database.transaction() as uow:
                answer = await street.hand_over(uow, "Authorize", [call])
            assert answer["idTagInfo"]["status"] == verdict
            assert call.remember_id_token == ("STAFF" if verdict == "Accepted" else "")
            began = await street.begins("STAFF", station_id=station_id)
            assert began["idTagInfo"]["status"] == verdict
            street.clock.advance(60)
            await street.ends(began["transactionId"], meter=1_000, station_id=station_id)
        assert {s.station_id: s.payer_kind for s in await street.sessions()} == {
            "THERE": "nobody",
            "HERE": payer_kind,
        }


@pytest.mark.anyio
async def test_a_wallet_pays_anywhere() -> None:
    async with a_street() as street:
        async with street.database.transaction() as uow:
            other = await people.create_organisation(uow, name="Other", **street.world.said)
        await street.station(organisation_id=other.id)
        await street.card("CARD1", await street.driver(20_000))
        assert (await street.begins("CARD1"))["idTagInfo"]["status"] == "Accepted"


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("payer_kind", "verdict"), [("wallet", "Blocked"), ("organisation", "Blocked"), ("free", "Accepted")]
)
async def test_nothing_is_sold_where_there_is_no_price(payer_kind: str, verdict: str) -> None:
    async with a_street() as street:
        await street.world.station("CP1")
        await street.card("CARD1", await street.driver(20_000), payer_kind=payer_kind)
        assert (await street.says("Authorize", {"idTag": "CARD1"}))["idTagInfo"]["status"] == verdict
        assert (await street.begins("CARD1"))["idTagInfo"]["status"] == verdict
        assert (await street.only_session()).hold_amount_minor == 0


@pytest.mark.anyio
async def test_a_clock_that_is_behind_the_first_price_sells_by_todays() -> None:
    async with a_street() as street:
        await street.station()
        await street.card("CARD1", await street.driver(20_000))
        early = isoformat_z(street.clock.now() - timedelta(seconds=1))
        answer = await street.begins("CARD1", say={"timestamp": early})
        assert answer["idTagInfo"]["status"] == "Accepted"
        assert (await street.only_session()).price_minor_per_kwh == PRICE
