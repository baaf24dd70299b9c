"""A whole charge, and everything that can go wrong with it, on both databases."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import update
from tests.unit.charging.kit import Counting, Street, a_street

from stationmaster.charging import settlement, starts, stops, transactions
from stationmaster.charging.jobs import start_deadlines, stop_retries
from stationmaster.charging.model import Ending, Given, Payer, State
from stationmaster.charging.tables import charging_session, meter_sample, transaction_alias, unmatched_stop
from stationmaster.infra.runtime import Runtime
from stationmaster.kernel.errors import InsufficientFunds, Refused

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.services)])
async def street(request: pytest.FixtureRequest) -> AsyncIterator[Street]:
    url = request.getfixturevalue("postgres_url") if request.param == "postgres" else None
    async with a_street(url) as street:
        yield street


def plumbing(street: Street) -> dict[str, Any]:
    """What a job is offered."""
    ids = street.world.ids
    runtime = Runtime(clock=street.clock, ids=ids)
    return {"database": street.database, "clock": street.clock, "ids": ids, "runtime": runtime}


async def poison(street: Street, session_id: str, currency: str) -> None:
    """In another currency than its hold it cannot be settled."""
    async with street.database.transaction() as uow:
        this = charging_session.c.id == session_id
        await uow.execute(update(charging_session).where(this).values(currency=currency))


async def test_a_remote_start_ends_settled_to_the_minor_unit(street: Street) -> None:
    await street.station(tax_bps=1800)
    driver = await street.driver(50_000)
    session = await street.start(driver, amount=20_000)
    assert session.state is State.PENDING
    assert (await street.balance(driver)).held_minor == 20_000

    await street.accepted(session.id)
    assert (await street.session(session.id)).state is State.STARTING

    answer = await street.begins(session.id_token, proposed_transaction_id=4711)
    assert answer == {"idTagInfo": {"status": "Accepted"}, "transactionId": 4711}
    street.clock.advance(600)
    await street.meters(4711, 2_800)
    running = await street.session(session.id)
    assert (running.state, running.energy_wh, running.power_w) == (State.ONGOING, 1_800, 11_000)
    assert running.cost_minor == 2_700 + 486

    street.clock.advance(600)
    await street.ends(4711, meter=4_333)
    done = await street.session(session.id)
    net, tax = 5_000, 900  # 3333 Wh at 15.00: 49.995, rounded half up
    assert (done.state, done.energy_wh, done.cost_minor) == (State.COMPLETED, 3_333, net + tax)
    assert (done.fee_minor, done.organisation_minor, done.tax_minor) == (500, 4_500, 900)
    assert (done.captured_minor, done.released_minor, done.overrun_minor) == (5_900, 14_100, 0)
    have = await street.balance(driver)
    assert (have.available_minor, have.held_minor) == (44_100, 0)


async def test_the_facts_of_a_charge_are_told(street: Street) -> None:
    await street.station()
    driver = await street.driver(50_000)
    session = await street.start(driver)
    await street.accepted(session.id)
    answer = await street.begins(session.id_token)
    await street.ends(answer["transactionId"], meter=3_000)
    told = [fact.type for fact in await street.world.take_facts()]
    for kind in (
        "charging.remote.start.accepted",
        "charging.started",
        "charging.stopped",
        "transaction.completed",
    ):
        assert told.count(kind) == 1, kind
    assert {"session.updated", "wallet.updated"} <= set(told)


@pytest.mark.parametrize("state", ["rejected", "offline", "expired", "timed_out", "failed"])
async def test_a_start_that_failed_returns_everything(street: Street, state: str) -> None:
    await street.station()
    driver = await street.driver(20_000)
    session = await street.start(driver, amount=20_000)
    await street.outcome(session.id, state)
    failed = await street.session(session.id)
    assert (failed.state, failed.sub_reason, failed.released_minor) == (State.FAILED, state, 20_000)
    assert (await street.balance(driver)).available_minor == 20_000
    again = await street.start(driver, amount=20_000)
    assert again.state is State.PENDING, "the connector is free again"


async def test_a_second_outcome_moves_nothing(street: Street) -> None:
    await street.station()
    driver = await street.driver(20_000)
    session = await street.start(driver)
    await street.accepted(session.id)
    await street.outcome(session.id, "expired")
    assert (await street.session(session.id)).state is State.STARTING


async def test_the_same_start_again_gets_the_same_answer(street: Street) -> None:
    await street.station()
    driver = await street.driver(20_000)
    session = await street.start(driver)
    await street.accepted(session.id)
    first = await street.begins(session.id_token, proposed_transaction_id=11)
    again = await street.begins(session.id_token, proposed_transaction_id=12)
    assert first == again
    assert len(await street.sessions()) == 1
    # The station may have been told either id: both lead to the one transaction.
    street.clock.advance(600)
    await street.ends(12, meter=2_000)
    assert (await street.session(session.id)).energy_wh == 1_000


async def test_the_same_stop_again_settles_nothing_more(street: Street) -> None:
    await street.station()
    driver = await street.driver(20_000)
    await street.card("CARD1", driver)
    answer = await street.begins("CARD1")
    street.clock.advance(600)
    stamp = street.stamp()
    for _ in range(3):
        await street.ends(answer["transactionId"], meter=2_000, say={"timestamp": stamp})
    assert (await street.only_session()).captured_minor == 1_500
    assert (await street.balance(driver)).available_minor == 18_500
    assert await rows(street, unmatched_stop) == []


async def test_a_card_with_money_charges(street: Street) -> None:
    await street.station()
    driver = await street.driver(30_000)
    await street.card("card 1", driver)
    answer = await street.begins("Card 1")
    assert answer["idTagInfo"]["status"] == "Accepted"
    session = await street.only_session()
    assert (session.state, session.started_by, session.hold_amount_minor) == (State.ONGOING, "rfid", 20_000)
    street.clock.advance(600)
    await street.ends(answer["transactionId"], meter=3_000, reason=None)
    assert (await street.session(session.id)).state is State.COMPLETED
    assert (await street.balance(driver)).available_minor == 27_000


async def test_a_card_without_money_is_blocked_and_stopped(street: Street) -> None:
    await street.station()
    driver = await street.driver(500)
    await street.card("CARD1", driver)
    answer = await street.begins("CARD1")
    assert answer["idTagInfo"]["status"] == "Blocked"
    session = await street.only_session()
    assert (session.state, session.hold_generation) == (State.STOPPING, 0)
    assert len(await street.commands(session.id, "RemoteStopTransaction")) == 1
    street.clock.advance(60)
    await street.ends(answer["transactionId"], meter=1_400, reason="DeAuthorized")
    done = await street.session(session.id)
    assert (done.state, done.captured_minor, done.overrun_minor) == (State.TERMINATED, 0, 600)
    have = await street.balance(driver)
    assert (have.available_minor, have.owed_minor) == (0, 100)


async def test_what_a_driver_owes_blocks_the_next_card_start(street: Street) -> None:
    await test_a_card_without_money_is_blocked_and_stopped(street)
    street.clock.advance(60)
    assert (await street.says("Authorize", {"idTag": "CARD1"}))["idTagInfo"]["status"] == "Blocked"


async def test_a_stop_that_came_before_its_start_ends_it_when_it_comes(street: Street) -> None:
    await street.station()
    driver = await street.driver(20_000)
    await street.card("CARD1", driver)
    begun_at = street.stamp()
    street.clock.advance(600)
    await street.ends(77, meter=2_000)
    answer = await street.begins(
        "CARD1", say={"timestamp": begun_at}, proposed_transaction_id=77, is_late=True
    )
    assert answer["transactionId"] == 77
    done = await street.only_session()
    assert (done.state, done.energy_wh, done.captured_minor) == (State.COMPLETED, 1_000, 1_500)
    assert [row.matched_session_id for row in await rows(street, unmatched_stop)] == [done.id]


async def test_a_start_that_comes_after_a_newer_one_ends_by_its_own_late_stop(street: Street) -> None:
    await street.station()
    first, second = await street.driver(20_000), await street.driver(20_000)
    await street.card("CARD1", first)
    await street.card("CARD2", second)
    begun_at = street.stamp()
    street.clock.advance(600)
    stopped_at = street.stamp()
    newer = await street.begins("CARD2", meter=2_000)
    older = await street.begins("CARD1", say={"timestamp": begun_at}, is_late=True)
    states = {s.driver_id: s.state for s in await street.sessions()}
    assert states == {first: State.GHOST, second: State.ONGOING}
    await street.ends(older["transactionId"], meter=1_900, say={"timestamp": stopped_at}, is_late=True)
    street.clock.advance(600)
    await street.ends(newer["transactionId"], meter=3_000)
    assert {s.driver_id: s.energy_wh for s in await street.sessions()} == {first: 900, second: 1_000}


async def test_late_meter_values_are_kept_and_move_nothing(street: Street) -> None:
    await street.station()
    await street.card("FLEET", payer_kind="organisation")
    answer = await street.begins("FLEET")
    street.clock.advance(600)
    value = {"timestamp": street.stamp(), "sampledValue": [{"value": "2000"}]}
    said = {"connectorId": 1, "transactionId": answer["transactionId"], "meterValue": [value]}
    await street.says("MeterValues", said, is_late=True)
    assert (await street.only_session()).energy_wh == 0
    assert len(await rows(street, meter_sample)) == 1
    await street.says("MeterValues", said)
    assert (await street.only_session()).energy_wh == 1_000
    assert len(await rows(street, meter_sample)) == 1, "the same reading twice is one row"


def told(status: str, transaction_id: int) -> bytes:
    return b'{"idTagInfo":{"status":"%b"},"transactionId":%d}' % (status.encode(), transaction_id)


async def test_an_offline_yes_that_nobody_pays_is_stopped(street: Street) -> None:
    await street.station()
    yes = told("Accepted", 50)
    answer = await street.begins("WHO", proposed_transaction_id=50, given=yes)
    assert answer == {"idTagInfo": {"status": "Accepted"}, "transactionId": 50}
    orphan = await street.only_session()
    assert orphan.state is State.ORPHANED
    assert len(await street.commands(orphan.id, "RemoteStopTransaction")) == 1


async def test_an_offline_answer_that_is_heard_of_later_is_booked(street: Street) -> None:
    await street.station()
    driver = await street.driver(20_000)
    await street.card("CARD1", driver)
    begun_at = street.stamp()
    await street.begins("CARD1", proposed_transaction_id=50)
    async with street.database.transaction() as uow:
        for _ in range(2):
            said = Given(50, "Invalid", told("Invalid", 50))
            await transactions.given(uow, [("CP1", said), ("CP2", said)], **street.world.said)
    session = await street.only_session()
    assert (session.state, session.sub_reason) == (State.STOPPING, "told_Invalid")
    again = await street.begins("CARD1", say={"timestamp": begun_at}, proposed_transaction_id=51)
    assert again == {"idTagInfo": {"status": "Invalid"}, "transactionId": 50}
    assert len(await rows(street, transaction_alias)) == 1


async def test_an_offline_yes_to_a_paid_start_changes_nothing(street: Street) -> None:
    await street.station()
    driver = await street.driver(20_000)
    session = await street.start(driver)
    await street.begins(session.id_token, proposed_transaction_id=50, given=told("Accepted", 50))
    assert (await street.session(session.id)).state is State.ONGOING


async def test_an_id_in_use_is_never_given_twice(street: Street) -> None:
    await street.station()
    await street.card("A", payer_kind="organisation")
    await street.card("B", payer_kind="organisation")
    one = await street.begins("A", proposed_transaction_id=50)
    two = await street.begins("B", connector_id=2, proposed_transaction_id=50)
    assert one["transactionId"] == 50
    assert two["transactionId"] != 50


async def test_the_same_card_elsewhere_is_concurrent(street: Street) -> None:
    await street.station()
    driver = await street.driver(50_000)
    await street.card("CARD1", driver)
    await street.begins("CARD1")
    answer = await street.begins("CARD1", connector_id=2)
    assert answer["idTagInfo"]["status"] == "ConcurrentTx"
    assert (await street.balance(driver)).held_minor == 20_000


async def test_a_batch_of_meter_values_takes_as_many_statements_as_one(street: Street) -> None:
    for n in range(5):
        await street.station(f"S{n}")
        await street.card(f"K{n}", payer_kind="organisation")
        await street.begins(f"K{n}", station_id=f"S{n}", proposed_transaction_id=100 + n)
    street.clock.advance(600)

    def frame(n: int, wh: int) -> Any:
        value = {"timestamp": street.stamp(), "sampledValue": [{"value": str(wh)}]}
        said = {"connectorId": 1, "transactionId": 100 + n, "meterValue": [value]}
        return street.call("MeterValues", said, station_id=f"S{n}")

    async with street.database.transaction() as uow:
        counting = Counting(uow)
        await street.hand_over(counting, "MeterValues", [frame(0, 1_100)])
        assert counting.statements == 4
        many = Counting(uow)
        await street.hand_over(
            many, "MeterValues", [frame(n, 1_200 + k) for n in range(5) for k in range(20)]
        )
        assert many.statements == 4
        hints = list(uow.hints)
    assert len(hints) == 6, "one per session and batch"
    assert {s.energy_wh for s in await street.sessions()} == {219}


async def test_an_unknown_card_is_an_orphan_that_costs_nobody(street: Street) -> None:
    await street.station()
    answer = await street.begins("NOBODY")
    assert answer["idTagInfo"]["status"] == "Invalid"
    assert answer["transactionId"] > 0
    orphan = await street.only_session()
    assert (orphan.state, orphan.payer_kind, orphan.driver_id) == (State.ORPHANED, "nobody", None)
    street.clock.advance(600)
    await street.ends(answer["transactionId"], meter=2_000)
    done = await street.session(orphan.id)
    assert (done.state, done.energy_wh, done.cost_minor) == (State.TERMINATED, 1_000, 0)


async def test_an_organisation_pays_for_its_card(street: Street) -> None:
    await street.station()
    await street.card("FLEET", payer_kind="organisation")
    answer = await street.begins("FLEET")
    street.clock.advance(600)
    await street.ends(answer["transactionId"], meter=2_000)
    done = await street.only_session()
    assert (done.cost_minor, done.captured_minor, done.fee_minor) == (1_500, 1_500, 150)


async def test_a_free_charge_costs_nothing(street: Street) -> None:
    await street.station()
    session = await street.start("x", payer=Payer.free("demo"))
    await street.accepted(session.id)
    answer = await street.begins(session.id_token)
    street.clock.advance(600)
    await street.ends(answer["transactionId"], meter=2_000)
    done = await street.session(session.id)
    assert (done.state, done.energy_wh, done.cost_minor) == (State.COMPLETED, 1_000, 0)


async def test_a_stop_that_fits_nothing_is_kept_and_told(street: Street) -> None:
    await street.station()
    await street.ends(987_654, meter=5)
    assert [row.transaction_id for row in await rows(street, unmatched_stop)] == [987_654]
    assert "error.occurred" in {fact.type for fact in await street.world.take_facts()}


async def test_no_station_stops_anothers_transaction(street: Street) -> None:
    await street.station("CP1")
    await street.station("CP2")
    driver = await street.driver(20_000)
    await street.card("CARD1", driver)
    answer = await street.begins("CARD1")
    street.clock.advance(60)
    await street.ends(answer["transactionId"], meter=9_000, station_id="CP2")
    assert (await street.only_session()).state is State.ONGOING
    assert len(await rows(street, unmatched_stop)) == 1


async def test_a_stop_without_an_id_finds_the_only_transaction_that_fits(street: Street) -> None:
    await street.station()
    driver = await street.driver(20_000)
    await street.card("CARD1", driver)
    await street.begins("CARD1")
    street.clock.advance(600)
    await street.ends(-1, meter=2_000, say={"idTag": "card1"})
    assert (await street.only_session()).state is State.COMPLETED


async def test_a_used_up_amount_stops_the_charge_before_it_is_overrun(street: Street) -> None:
    await street.station()
    driver = await street.driver(20_000)
    session = await street.start(driver, amount=3_000)
    await street.accepted(session.id)
    answer = await street.begins(session.id_token)
    transaction, wh = answer["transactionId"], 1_000
    while (await street.session(session.id)).state is State.ONGOING:
        street.clock.advance(60)
        wh += 183  # 11 kW for a minute
        await street.meters(transaction, wh)
    stopping = await street.session(session.id)
    assert (stopping.state, stopping.sub_reason) == (State.STOPPING, "limit_amount")
    assert len(await street.commands(session.id, "RemoteStopTransaction")) == 1
    await street.meters(transaction, wh)
    assert len(await street.commands(session.id, "RemoteStopTransaction")) == 1, "asked once"
    street.clock.advance(30)
    await street.ends(transaction, meter=wh + 90, reason="Remote")
    done = await street.session(session.id)
    assert done.overrun_minor == 0
    assert 2_400 < done.captured_minor <= 3_000


async def test_an_energy_limit_stops_too(street: Street) -> None:
    await street.station()
    driver = await street.driver(20_000)
    session = await street.start(driver, limit_energy_wh=1_000)
    await street.accepted(session.id)
    answer = await street.begins(session.id_token)
    street.clock.advance(300)
    await street.meters(answer["transactionId"], 1_950)
    assert (await street.session(session.id)).sub_reason == "limit_energy"


async def test_settling_twice_returns_the_first_result(street: Street) -> None:
    await street.station()
    driver = await street.driver(20_000)
    await street.card("CARD1", driver)
    answer = await street.begins("CARD1")
    street.clock.advance(600)
    await street.ends(answer["transactionId"], meter=2_000)
    first = await street.only_session()
    other = Ending(State.TERMINATED, ended_at=street.clock.now(), energy_wh=9_999)
    async with street.database.transaction() as uow:
        second = await settlement.settle(uow, session_id=first.id, ending=other, **street.world.said)
    assert second == first


async def test_nobody_plugged_in(street: Street) -> None:
    await street.station()
    driver = await street.driver(20_000)
    session = await street.start(driver)
    await street.accepted(session.id)
    street.clock.advance(179)
    await deadlines(street)
    assert (await street.session(session.id)).state is State.STARTING
    street.clock.advance(2)
    await deadlines(street)
    failed = await street.session(session.id)
    assert (failed.state, failed.sub_reason) == (State.FAILED, "timeout")
    assert (await street.balance(driver)).available_minor == 20_000


async def test_a_late_start_holds_again(street: Street) -> None:
    await street.station()
    driver = await street.driver(20_000)
    session = await street.start(driver)
    await street.outcome(session.id, "timed_out")
    answer = await street.begins(session.id_token)
    assert answer["idTagInfo"]["status"] == "Accepted"
    again = await street.session(session.id)
    assert (again.state, again.hold_generation, again.settled_at) == (State.ONGOING, 2, None)
    await street.check()
    street.clock.advance(600)
    await street.ends(answer["transactionId"], meter=2_000)
    assert (await street.session(session.id)).captured_minor == 1_500


async def test_a_late_start_without_money_runs_unfunded_and_is_stopped(street: Street) -> None:
    await street.station()
    await street.station("CP2")
    driver = await street.driver(20_000)
    session = await street.start(driver)
    await street.outcome(session.id, "timed_out")
    await street.start(driver, station_id="CP2")  # The money went elsewhere.
    answer = await street.begins(session.id_token)
    assert answer["idTagInfo"]["status"] == "Blocked"
    unfunded = await street.session(session.id)
    assert (unfunded.state, unfunded.sub_reason, unfunded.hold_generation) == (State.STOPPING, "unfunded", 0)
    street.clock.advance(60)
    await street.ends(answer["transactionId"], meter=1_100, reason="Remote")
    assert (await street.balance(driver)).owed_minor == 150


async def test_a_late_start_of_somebody_who_cancelled_is_stopped(street: Street) -> None:
    await street.station()
    driver = await street.driver(20_000)
    session = await street.start(driver)
    async with street.database.transaction() as uow:
        cancelled = await stops.ask(uow, session_id=session.id, actor="driver", **street.world.said)
    assert (cancelled.state, cancelled.sub_reason) == (State.FAILED, "cancelled")
    answer = await street.begins(session.id_token)
    assert answer["idTagInfo"]["status"] == "Blocked"
    assert (await street.session(session.id)).state is State.STOPPING


async def test_a_new_start_supersedes_the_open_one(street: Street) -> None:
    await street.station()
    first, second = await street.driver(20_000), await street.driver(20_000)
    await street.card("CARD1", first)
    await street.card("CARD2", second)
    one = await street.begins("CARD1")
    street.clock.advance(600)
    await street.meters(one["transactionId"], 2_000)
    await street.begins("CARD2", meter=2_100)
    old = next(s for s in await street.sessions() if s.driver_id == first)
    assert (old.state, old.sub_reason, old.is_provisional) == (State.TERMINATED, "superseded", True)
    assert old.captured_minor == 1_500
    # Its own stop comes after all: kept for a correction, no second settlement.
    street.clock.advance(60)
    await street.ends(one["transactionId"], meter=2_100)
    assert [row.matched_session_id for row in await rows(street, unmatched_stop)] == [old.id]


async def test_the_driver_who_waits_makes_room_for_the_card_that_plugged_in(street: Street) -> None:
    await street.station()
    waiting, quick = await street.driver(20_000), await street.driver(20_000)
    await street.card("QUICK", quick)
    session = await street.start(waiting)
    assert (await street.begins("QUICK"))["idTagInfo"]["status"] == "Accepted"
    failed = await street.session(session.id)
    assert (failed.state, failed.sub_reason) == (State.FAILED, "connector_taken")
    assert (await street.balance(waiting)).available_minor == 20_000


async def test_plugging_into_the_other_connector_moves_the_session(street: Street) -> None:
    await street.station()
    driver = await street.driver(20_000)
    session = await street.start(driver)
    await street.begins(session.id_token, connector_id=2)
    assert (await street.session(session.id)).connector_id == 2


async def test_a_connector_that_awaits_somebody_else_is_not_taken(street: Street) -> None:
    await street.station()
    one, two = await street.driver(20_000), await street.driver(20_000)
    mine = await street.start(one, connector_id=1)
    theirs = await street.start(two, connector_id=2)
    answer = await street.begins(mine.id_token, connector_id=2)
    assert answer["idTagInfo"]["status"] == "Invalid"
    assert (await street.session(theirs.id)).state is State.PENDING
    assert (await street.session(mine.id)).state is State.PENDING


async def test_a_one_time_token_opens_its_own_station_only(street: Street) -> None:
    await street.station("CP1")
    await street.station("CP2")
    driver = await street.driver(20_000)
    session = await street.start(driver)
    asked = {"idTag": session.id_token}
    assert (await street.says("Authorize", asked))["idTagInfo"]["status"] == "Accepted"
    assert (await street.says("Authorize", asked, station_id="CP2"))["idTagInfo"]["status"] == "Invalid"
    answer = await street.begins(session.id_token, station_id="CP2")
    assert answer["idTagInfo"]["status"] == "Invalid"
    assert (await street.session(session.id)).state is State.PENDING


async def test_an_unanswered_stop_is_asked_three_times_and_then_told(street: Street) -> None:
    await street.station()
    driver = await street.driver(20_000)
    await street.card("CARD1", driver)
    await street.begins("CARD1")
    session = await street.only_session()
    async with street.database.transaction() as uow:
        await stops.ask(uow, session_id=session.id, actor="operator:1", **street.world.said)
        await stops.ask(uow, session_id=session.id, actor="operator:1", **street.world.said)
    await street.world.take_outbox()
    for _ in range(6):
        street.clock.advance(61)
        await stop_retries.run(**plumbing(street))
    assert len(await street.commands(session.id, "RemoteStopTransaction")) == 3
    errors = [fact for fact in await street.world.take_facts() if fact.type == "error.occurred"]
    assert len(errors) == 1
    assert b"stop_unanswered" in bytes(errors[0].data)


async def test_meter_values_before_and_after_are_kept_and_change_no_money(street: Street) -> None:
    await street.station()
    driver = await street.driver(20_000)
    await street.card("CARD1", driver)
    answer = await street.begins("CARD1")
    street.clock.advance(600)
    await street.ends(answer["transactionId"], meter=2_000)
    await street.meters(answer["transactionId"], 2_500)
    await street.meters(31_337, 2_500, connector_id=2)
    kept = {row.transaction_id: row.session_id for row in await rows(street, meter_sample)}
    session = await street.only_session()
    assert kept == {answer["transactionId"]: session.id, 31_337: None}
    assert session.captured_minor == 1_500


async def test_a_jump_of_the_register_is_not_billed(street: Street) -> None:
    await street.station()
    driver = await street.driver(100_000)
    await street.card("CARD1", driver)
    answer = await street.begins("CARD1")
    transaction = answer["transactionId"]
    for wh in (2_000, 3_000, 903_000, 904_000):
        street.clock.advance(600)
        await street.meters(transaction, wh)
    street.clock.advance(60)
    await street.ends(transaction, meter=904_100)
    done = await street.only_session()
    assert done.is_suspect
    assert done.energy_wh in range(2_000, 3_101), done.energy_wh


async def test_a_meter_start_as_text_and_a_missing_reason_are_read(street: Street) -> None:
    await street.station()
    driver = await street.driver(20_000)
    await street.card("CARD1", driver)
    answer = await street.begins("CARD1", say={"meterStart": "1000", "connectorId": "1"})
    street.clock.advance(600)
    await street.ends(answer["transactionId"], meter=0, reason=None, say={"meterStop": "2000.0"})
    assert (await street.only_session()).energy_wh == 1_000


async def test_two_drivers_race_for_one_connector(street: Street) -> None:
    await street.station()
    drivers = [await street.driver(1_000_000) for _ in range(2)]
    for _ in range(50):
        results = await asyncio.gather(*(street.start(d) for d in drivers), return_exceptions=True)
        won = [r for r in results if not isinstance(r, BaseException)]
        lost = [r for r in results if isinstance(r, BaseException)]
        assert len(won) == 1, results
        assert isinstance(lost[0], Refused), lost
        assert lost[0].code == "connector_busy"
        held = sum([(await street.balance(d)).held_minor for d in drivers])
        assert held == 20_000, "exactly one hold"
        await street.outcome(won[0].id, "rejected")
    assert len(await street.sessions()) == 50


async def test_a_wallet_pays_for_what_it_has(street: Street) -> None:
    await street.station(connector_count=10)
    driver = await street.driver(60_000)
    results = await asyncio.gather(
        *(street.start(driver, connector_id=n) for n in range(1, 9)), return_exceptions=True
    )
    refused = [r for r in results if isinstance(r, BaseException)]
    assert len(refused) == 5
    assert all(isinstance(r, InsufficientFunds) for r in refused), refused
    assert (await street.balance(driver)).held_minor == 60_000


async def test_a_refused_start_writes_nothing(street: Street) -> None:
    await street.station()
    driver = await street.driver(500)
    await street.world.take_outbox()
    with pytest.raises(InsufficientFunds):
        await street.start(driver)
    assert await street.sessions() == []
    assert await street.world.take_outbox() == []


async def test_operators_of_another_organisation_see_no_station(street: Street) -> None:
    await street.station()
    with pytest.raises(Refused) as refusal:
        await street.start("x", payer=Payer.free("demo"), organisation_id="org_other")
    assert refusal.value.http_status == 404


async def deadlines(street: Street) -> None:
    await start_deadlines.run(**plumbing(street))


async def rows(street: Street, table: Any) -> list[Any]:
    async with street.database.reading() as reader:
        return list((await reader.execute(table.select())).all())


async def test_expiring_twice_is_once(street: Street) -> None:
    await street.station()
    driver = await street.driver(20_000)
    session = await street.start(driver)
    street.clock.advance(200)
    for _ in range(2):
        async with street.database.transaction() as uow:
            await starts.expire(uow, session_id=session.id, **street.world.said)
    assert (await street.session(session.id)).released_minor == 20_000


async def test_nothing_expires_before_its_deadline(street: Street) -> None:
    await street.station()
    driver = await street.driver(20_000)
    session = await street.start(driver)
    async with street.database.transaction() as uow:
        kept = await starts.expire(uow, session_id=session.id, **street.world.said)
    assert kept.state is State.PENDING


async def test_asking_twice_to_stop_sends_one_command(street: Street) -> None:
    await street.station()
    await street.card("FLEET", payer_kind="organisation")
    answer = await street.begins("FLEET")
    session = await street.only_session()
    for _ in range(2):
        async with street.database.transaction() as uow:
            asked = await stops.ask(uow, session_id=session.id, actor="operator:1", **street.world.said)
    assert (asked.state, asked.stop_attempts) == (State.STOPPING, 1)
    sent = await street.commands(session.id, "RemoteStopTransaction")
    assert [row.payload for row in sent] == [f'{{"transactionId":{answer["transactionId"]}}}']


async def test_after_the_last_try_nobody_asks_again(street: Street) -> None:
    await street.station()
    await street.card("FLEET", payer_kind="organisation")
    await street.begins("FLEET")
    session = await street.only_session()
    async with street.database.transaction() as uow:
        await stops.ask(uow, session_id=session.id, actor="operator:1", **street.world.said)
    for expected in (2, 3, 4, None):
        street.clock.advance(61)
        async with street.database.transaction() as uow:
            again = await stops.ask_again(uow, session_id=session.id, **street.world.said)
        assert (again and again.stop_attempts) == expected
    assert len(await street.commands(session.id, "RemoteStopTransaction")) == 3


async def test_a_late_start_of_the_card_that_charges_here_now_is_paid(street: Street) -> None:
    await street.station()
    driver = await street.driver(50_000)
    await street.card("CARD1", driver)
    begun_at = street.stamp()
    street.clock.advance(600)
    stopped_at = street.stamp()
    await street.begins("CARD1", meter=2_000)
    older = await street.begins("CARD1", say={"timestamp": begun_at}, is_late=True)
    assert older["idTagInfo"]["status"] == "Accepted"
    await street.ends(older["transactionId"], meter=1_900, say={"timestamp": stopped_at}, is_late=True)
    assert (await street.balance(driver)).available_minor == 50_000 - 20_000 - 1_350


async def test_plausible_registers_that_contradict_the_samples_are_flagged(street: Street) -> None:
    await street.station()
    await street.card("FLEET", payer_kind="organisation")
    answer = await street.begins("FLEET")
    for wh in (2_000, 3_000, 53_000):
        street.clock.advance(60)
        await street.meters(answer["transactionId"], wh)
    street.clock.advance(10 * 3600)
    await street.ends(answer["transactionId"], meter=53_000)
    done = await street.only_session()
    assert (done.energy_wh, done.is_suspect, done.suspect_reason) == (52_000, True, "meter_jumped")


async def test_a_card_and_an_app_race_for_one_connector(street: Street) -> None:
    """Whoever's commit is first, the car that is plugged in charges and the other one's money is back."""
    await street.station()
    app, card = await street.driver(20_000), await street.driver(1_000_000)
    await street.card("CARD1", card)
    for n in range(20):
        _, answer = await asyncio.gather(
            street.start(app), street.begins("CARD1", meter=n * 1_000), return_exceptions=True
        )
        assert not isinstance(answer, BaseException), answer
        assert answer["idTagInfo"]["status"] == "Accepted"
        live = [s for s in await street.sessions() if not s.state.is_terminal]
        if any(s.state is State.PENDING for s in live):
            raise AssertionError("two live sessions on one connector")
        assert [s.driver_id for s in live] == [card]
        assert (await street.balance(app)).available_minor == 20_000
        street.clock.advance(600)
        await street.ends(answer["transactionId"], meter=n * 1_000 + 500)


async def test_a_session_that_cannot_be_settled_delays_nobody_elses_money(street: Street) -> None:
    await street.station()
    bad = await street.start(await street.driver(20_000), connector_id=1)
    good = await street.start(await street.driver(20_000), connector_id=2)
    await poison(street, bad.id, "XXX")
    street.clock.advance(3_600)
    await start_deadlines.run(**plumbing(street))
    assert (await street.session(good.id)).state is State.FAILED
    assert (await street.session(bad.id)).state is State.PENDING
    await poison(street, bad.id, "INR")
    await start_deadlines.run(**plumbing(street))
    assert (await street.session(bad.id)).state is State.FAILED


class FailingOnce:
    """Ids, after a bug."""

    def __init__(self, ids: Any):
        self._ids = ids
        self.has_failed = False

    def __getattr__(self, name: str) -> Any:
        if not self.has_failed:
            self.has_failed = True
            raise RuntimeError("a bug of the first session's")
        return getattr(self._ids, name)


async def test_a_stop_that_cannot_be_asked_for_again_keeps_nobody_else_charging(street: Street) -> None:
    await street.station()
    for connector_id, card in ((1, "A"), (2, "B")):
        await street.card(card, payer_kind="organisation")
        await street.begins(card, connector_id=connector_id)
    bad, good = await street.sessions()
    async with street.database.transaction() as uow:
        for one in (bad, good):
            await stops.ask(uow, session_id=one.id, actor="x", **street.world.said)
    street.clock.advance(3_600)
    failing = FailingOnce(street.world.ids)
    await stop_retries.run(**plumbing(street) | {"ids": failing})
    assert failing.has_failed
    asked = [len(await street.commands(one.id, "RemoteStopTransaction")) for one in (bad, good)]
    assert asked == [1, 2]
