"""Who answers Authorize, StartTransaction and DataTransfer, and what when nobody does?"""

import msgspec
import pytest
from tests.unit.gateway.kit import record, until, world

from stationmaster.contracts.commands import OneTimeToken
from stationmaster.gateway.offline import Known, accepts, answer, asked_for
from stationmaster.gateway.options import OfflinePolicy

pytestmark = pytest.mark.anyio

START = {"connectorId": 1, "idTag": "TAG", "meterStart": 0, "timestamp": "2026-01-01T00:00:00Z"}
ACCEPTED = {"idTagInfo": {"status": "Accepted"}}


async def test_the_workers_answer_is_on_record_before_it_is_said() -> None:
    async with world() as w:
        station = await w.link()
        await station.ask("Authorize", {"idTag": "TAG"})
        asked = (await w.frames(2))[1]
        assert not asked.is_answered
        assert asked.proposed_transaction_id is None
        w.bus.held = True
        await w.decide(asked, ACCEPTED)
        await until(lambda: len(w.bus.waiting) == 1)
        assert await station.hears_nothing()
        w.bus.confirm()
        heard = await station.hear()
        assert heard == [3, "2", ACCEPTED]
        record_of_it = w.bus.envelopes()[-1]
        assert (record_of_it.kind, record_of_it.seq, record_of_it.message_type) == ("answer", 2, "Authorize")
        assert msgspec.json.decode(record_of_it.raw_data) == heard
        assert w.bus.published[-1].routing_key == "log.answer"


async def test_a_start_carries_a_leased_id() -> None:
    async with world() as w:
        station = await w.link()
        await station.ask("StartTransaction", START)
        asked = (await w.frames(2))[1]
        assert asked.proposed_transaction_id == 1000
        assert next(m for m in w.bus.published if m.message_id == asked.id).priority == 9
        await w.decide(asked, {**ACCEPTED, "transactionId": 5})
        assert await station.hear() == [3, "2", {**ACCEPTED, "transactionId": 5}]


async def test_a_decision_that_overtakes_our_own_confirm_waits_for_it() -> None:
    async with world() as w:
        station = await w.link()
        w.bus.held = True
        await station.ask("StatusNotification")
        await station.ask("Authorize", {"idTag": "TAG"})
        await until(lambda: len(w.bus.waiting) == 2)
        from stationmaster.contracts import envelope as contract

        asked = contract.decode(w.bus.waiting[1][0].body)
        await w.decide(asked, ACCEPTED)
        w.bus.confirm(1)
        assert await station.hears_nothing()
        w.bus.confirm()
        await until(lambda: len(w.bus.waiting) == 1)  # the answer's record
        w.bus.confirm()
        assert [(await station.hear())[1] for _ in range(2)] == ["2", "3"]


async def test_answers_keep_the_order_of_the_calls() -> None:
    async with world() as w:
        station = await w.link()
        await station.ask("Authorize", {"idTag": "TAG"})
        await station.ask("MeterValues")
        asked = (await w.frames(3))[1]
        assert await station.hears_nothing()
        await w.decide(asked, ACCEPTED)
        assert [(await station.hear())[1] for _ in range(2)] == ["2", "3"]


async def test_an_error_of_the_worker_is_a_callerror() -> None:
    async with world() as w:
        station = await w.link()
        await station.ask("DataTransfer", {})
        asked = (await w.frames(2))[1]
        await w.decide(asked, {}, error_code="FormationViolation")
        assert (await station.hear())[:3] == [4, "2", "FormationViolation"]
        assert msgspec.json.decode(w.bus.envelopes()[-1].payload)["errorCode"] == "FormationViolation"


@pytest.mark.parametrize(
    ("action", "payload", "expected"),
    [
        ("Authorize", {"idTag": "NOBODY"}, {"idTagInfo": {"status": "Invalid"}}),
        ("StartTransaction", {**START, "idTag": "NOBODY"},
         {"idTagInfo": {"status": "Invalid"}, "transactionId": 1000}),
        ("Authorize", {"idTag": "operator"}, ACCEPTED),
        ("StartTransaction", {**START, "idTag": "OPERATOR"}, {**ACCEPTED, "transactionId": 1000}),
        ("StartTransaction", {**START, "idTag": "ONCE"}, {**ACCEPTED, "transactionId": 1000}),
        ("StartTransaction", {**START, "idTag": "ONCE", "connectorId": 2},
         {"idTagInfo": {"status": "Invalid"}, "transactionId": 1000}),
        ("Authorize", {"idTag": "ONCE"}, ACCEPTED),
        ("Authorize", {}, {"idTagInfo": {"status": "Invalid"}}),
        ("Authorize", {"idTag": ["x"]}, {"idTagInfo": {"status": "Invalid"}}),
        ("DataTransfer", {"vendorId": "x"}, {"status": "Rejected"}),
    ],
)  # fmt: skip
async def test_offline_the_policy_decides(
    action: str, payload: dict[str, object], expected: dict[str, object]
) -> None:
    async with world(decide_within_s=0.05) as w:
        w.directory.stations["CP-1"] = record("CP-1", id_tokens=["OPERATOR"])
        token = OneTimeToken(
            device_id="CP-1", id_token="ONCE", connector_id=1, expires_at="2099-01-01T00:00:00Z"
        )
        await w.bus.deliver(w.mailbox, msgspec.json.encode(token))
        station = await w.link()
        heard = await station.call(action, payload)
        assert heard == [3, "2", expected]
        _, asked, given = w.bus.envelopes()
        assert (given.kind, given.seq, given.answers_seq, given.direction) == ("given", 3, 2, "Outgoing")
        assert msgspec.json.decode(given.payload) == expected
        assert msgspec.json.decode(given.raw_data) == heard
        assert (w.bus.published[-1].routing_key, given.message_id) == ("ocpp.given", asked.message_id)


async def test_the_given_answer_is_durable_before_it_is_said_and_a_late_decision_is_ignored() -> None:
    async with world(decide_within_s=0.02) as w:
        station = await w.link()
        await station.ask("Authorize", {"idTag": "X"})
        asked = (await w.frames(2))[1]
        w.bus.held = True
        await until(lambda: len(w.bus.waiting) == 1)
        assert await station.hears_nothing(0.02)
        await w.decide(asked, ACCEPTED)
        w.bus.release()
        assert await station.hear() == [3, "2", {"idTagInfo": {"status": "Invalid"}}]
        assert await station.hears_nothing(0.02)
        assert [frame.kind for frame in w.bus.envelopes()] == ["link", "call", "given"]


async def test_an_accepted_token_is_remembered_when_the_worker_says_so_and_over_a_restart() -> None:
    async with world(decide_within_s=0.05) as w:
        station = await w.link()
        await station.ask("Authorize", {"idTag": "TAG"})
        asked = (await w.frames(2))[1]
        await w.decide(asked, ACCEPTED, remember_id_token="TAG")
        await station.hear()
        assert (await station.call("Authorize", {"idTag": "tag"}))[2] == ACCEPTED
        await w.stop()
        await w.start()
        station = await w.link()
        assert (await station.call("Authorize", {"idTag": "TAG"}))[2] == ACCEPTED


async def test_a_token_is_remembered_at_the_station_that_heard_of_it_and_nowhere_else() -> None:
    """Another station may be another organisation's, where the same card opens nothing."""
    async with world(decide_within_s=0.05) as w:
        w.directory.stations["CP-2"] = record("CP-2")
        station = await w.link()
        await station.ask("Authorize", {"idTag": "TAG"})
        await w.decide((await w.frames(2))[1], ACCEPTED, remember_id_token="TAG")
        await station.hear()
        other = await w.link("CP-2")
        assert (await other.call("Authorize", {"idTag": "TAG"}))[2] == {"idTagInfo": {"status": "Invalid"}}


async def test_backend_and_broker_away_a_start_is_still_answered() -> None:
    async with world(decide_within_s=0.05) as w:
        w.directory.stations["CP-1"] = record("CP-1", id_tokens=["OP"])
        station = await w.link()
        w.directory.down, w.bus.ready = True, False
        heard = await station.call("StartTransaction", {**START, "idTag": "OP"})
        assert heard[2] == {**ACCEPTED, "transactionId": 1000}
        assert w.spool is not None
        assert [m.routing_key for _, _, m in w.spool.messages] == ["ocpp.starttransaction", "ocpp.given"]


async def test_without_a_leased_id_a_start_waits_for_a_decision() -> None:
    async with world(decide_within_s=0.02) as w:
        station = await w.link()
        w.directory.down = True
        w.gateway._ids._untouched.clear()
        while w.gateway._ids.take() is not None:
            pass
        await station.ask("StartTransaction", START)
        asked = (await w.frames(2))[-1]
        assert asked.proposed_transaction_id is None
        assert await station.hears_nothing(0.1)
        await w.decide(asked, {**ACCEPTED, "transactionId": 5})
        assert (await station.hear())[2]["transactionId"] == 5


async def test_an_answer_for_another_link_is_not_given() -> None:
    async with world() as w:
        station = await w.link()
        await station.ask("Authorize", {"idTag": "TAG"})
        asked = (await w.frames(2))[1]
        asked.epoch -= 4096
        await w.decide(asked, ACCEPTED)
        asked.epoch += 4096
        asked.message_id = "other"
        await w.decide(asked, ACCEPTED)
        assert await station.hears_nothing()


async def test_a_restart_discards_begun_blocks_and_keeps_the_others() -> None:
    async with world(ids_per_lease=4, decide_within_s=30) as w:
        station = await w.link()
        await station.ask("StartTransaction", START)
        first = (await w.frames(2))[1].proposed_transaction_id
        await until(lambda: bool(w.gateway._ids._untouched))
        w.directory.down = True
        await w.stop()
        await w.start()
        seen: list[int] = []
        while (taken := w.gateway._ids.take()) is not None:
            seen.append(taken)
        assert first == 1000
        assert seen
        assert not set(seen) & {1000, 1001, 1002, 1003}
        assert len(set(seen)) == len(seen) == 4


async def test_ids_are_never_given_twice_over_many_refills() -> None:
    import asyncio

    async with world(ids_per_lease=3) as w:
        taken = []
        while len(taken) < 40:
            one = w.gateway._ids.take()
            if one is None:
                await asyncio.sleep(0.001)
            else:
                taken.append(one)
        assert len(set(taken)) == 40


@pytest.mark.parametrize("known", list(Known))
def test_every_kind_of_token_has_its_switch(known: Known) -> None:
    on = {"one_time_tokens": True, "operator_tokens": True, "remembered_tokens": True, "unknown_tokens": True}
    assert accepts(OfflinePolicy(**on), known)
    assert not accepts(OfflinePolicy(**dict.fromkeys(on, False)), known)
    assert accepts(OfflinePolicy(), known) == (known is not Known.UNKNOWN)


def test_a_start_without_an_id_cannot_be_decided() -> None:
    assert answer("StartTransaction", is_accepted=True, transaction_id=None) is None


@pytest.mark.parametrize("payload", [b"[]", b'{"idTag":5}', b"\xff", b'{"connectorId":{}}'])
def test_an_unreadable_request_names_nobody(payload: bytes) -> None:
    assert asked_for(payload)[1] == 0
