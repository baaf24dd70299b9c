"""A station's life, told in short stories."""

import json
from collections.abc import Callable
from typing import Any

from stationmaster.simulator.charger import Charger

Live = Callable[..., None]
Csms = Any
ACCEPTED = {"status": "Accepted"}
REJECTED = {"status": "Rejected"}
TRANSACTION_RELATED = {"StartTransaction", "MeterValues", "StopTransaction"}


def energy_told(csms: Csms) -> int:
    """What the CSMS would bill, from the messages alone."""
    return int(csms.said("StopTransaction")[-1]["meterStop"]) - int(
        csms.said("StartTransaction")[-1]["meterStart"]
    )


def test_it_boots_tells_every_status_and_beats(live: Live) -> None:
    async def story(csms: Csms, charger: Charger) -> None:
        await csms.until(lambda: bool(csms.said("Heartbeat")))
        assert [call.action for call in csms.calls[:3]] == [
            "BootNotification",
            "StatusNotification",
            "StatusNotification",
        ]
        assert csms.statuses(1) == csms.statuses(2) == ["Available"]
        assert charger.heartbeat_s == 10

    live(story)


def test_it_says_nothing_but_boot_until_it_is_accepted(live: Live) -> None:
    async def story(csms: Csms, charger: Charger) -> None:
        await csms.until(lambda: len(csms.calls) >= 2)
        assert {call.action for call in csms.calls} == {"BootNotification"}
        assert not charger.is_ready
        csms.boot_status = "Accepted"
        await csms.until(lambda: charger.is_ready)

    live(story, before=lambda csms: setattr(csms, "boot_status", "Pending"))


def test_a_remote_charge_from_start_to_stop(live: Live) -> None:
    async def story(csms: Csms, charger: Charger) -> None:
        await csms.until(lambda: charger.is_ready)
        assert await csms.command("RemoteStartTransaction", {"connectorId": 2, "idTag": "TOKEN"}) == {
            "status": "Accepted"
        }
        await csms.until(lambda: len(csms.said("MeterValues")) >= 3)
        assert csms.said("Authorize") == []
        assert await csms.command("RemoteStopTransaction", {"transactionId": 1}) == ACCEPTED
        await csms.until(lambda: csms.statuses(2)[-1] == "Available" and charger.talk.is_idle)
        assert csms.statuses(2) == ["Available", "Preparing", "Charging", "Finishing", "Available"]
        (stop,) = csms.said("StopTransaction")
        assert (stop["reason"], stop["transactionId"], stop["idTag"]) == ("Remote", 1, "TOKEN")
        (truth,) = charger.journal.meter_truths()
        assert truth.energy_wh == energy_told(csms) > 0
        registers = [int(m["meterValue"][0]["sampledValue"][0]["value"]) for m in csms.said("MeterValues")]
        assert registers == sorted(registers)
        assert all(meter["transactionId"] == 1 for meter in csms.said("MeterValues"))

    live(story)


def test_a_card_is_authorized_before_the_transaction(live: Live) -> None:
    async def story(csms: Csms, charger: Charger) -> None:
        await csms.until(lambda: charger.is_ready)
        transaction = await charger.plug_and_swipe(1, "CARD")
        assert transaction is not None
        await csms.until(lambda: transaction.id == 1)
        actions = [call.action for call in csms.calls]
        assert actions.index("Authorize") < actions.index("StartTransaction")
        charger.unplug(1)
        await csms.until(lambda: transaction.stop_answered)
        assert csms.said("StopTransaction")[0]["reason"] == "Local"

    live(story)


def test_a_refused_card_starts_nothing(live: Live) -> None:
    async def story(csms: Csms, charger: Charger) -> None:
        await csms.until(lambda: charger.is_ready)
        csms.token_status = "Blocked"
        assert await charger.plug_and_swipe(1, "CARD") is None
        assert csms.said("StartTransaction") == []
        assert charger.connectors[1].is_free

    live(story)


def test_a_token_refused_at_the_start_ends_the_charge(live: Live) -> None:
    async def story(csms: Csms, charger: Charger) -> None:
        await csms.until(lambda: charger.is_ready)
        csms.token_status = "Invalid"
        await csms.command("RemoteStartTransaction", {"idTag": "TOKEN"})
        await csms.until(lambda: bool(csms.said("StopTransaction")))
        assert csms.said("StopTransaction")[0]["reason"] == "DeAuthorized"

    live(story)


def test_a_taken_connector_is_not_started_twice(live: Live) -> None:
    async def story(csms: Csms, charger: Charger) -> None:
        await csms.until(lambda: charger.is_ready)
        start = ("RemoteStartTransaction", {"connectorId": 1, "idTag": "TOKEN"})
        assert await csms.command(*start) == ACCEPTED
        assert await csms.command(*start) == REJECTED
        assert await csms.command("RemoteStartTransaction", {"idTag": "TOKEN"}) == ACCEPTED
        assert await csms.command("RemoteStartTransaction", {"idTag": "TOKEN"}) == REJECTED

    live(story)


def test_a_charge_through_an_outage_loses_nothing(live: Live) -> None:
    async def story(csms: Csms, charger: Charger) -> None:
        await csms.until(lambda: charger.is_ready)
        transaction = await charger.plug_and_swipe(1, "CARD")
        assert transaction is not None
        await csms.until(lambda: bool(csms.said("MeterValues")))
        csms.is_up = False
        csms.cut()
        await csms.until(lambda: transaction.samples >= 5)
        charger.unplug(1)
        csms.is_up = True
        await csms.until(lambda: transaction.stop_answered)
        answered = [call for call in charger.journal.calls if call.action == "MeterValues"]
        assert len(answered) == transaction.samples == len(csms.said("MeterValues"))
        times = [m["meterValue"][0]["timestamp"] for m in csms.said("MeterValues")]
        assert times == sorted(times)
        assert csms.calls[-1].action in {"StopTransaction", "StatusNotification", "Heartbeat"}
        assert energy_told(csms) == transaction.energy_wh
        assert len(csms.said("BootNotification")) == 1

    live(story)


def test_a_whole_charge_while_offline_is_told_afterwards(live: Live) -> None:
    async def story(csms: Csms, charger: Charger) -> None:
        await csms.until(lambda: charger.is_ready)
        csms.is_up = False
        csms.cut()
        transaction = await charger.plug_and_swipe(1, "CARD")
        assert transaction is not None
        await csms.until(lambda: transaction.samples >= 2)
        charger.unplug(1)
        assert transaction.id is None
        csms.is_up = True
        await csms.until(lambda: transaction.stop_answered)
        told = [
            c.action for c in csms.calls if c.action in {"StartTransaction", "MeterValues", "StopTransaction"}
        ]
        assert told == ["StartTransaction", *["MeterValues"] * transaction.samples, "StopTransaction"]
        assert {m["transactionId"] for m in csms.said("MeterValues")} == {transaction.id}

    live(story)


def test_an_unanswered_start_is_repeated_with_the_same_bytes(live: Live) -> None:
    async def story(csms: Csms, charger: Charger) -> None:
        await csms.until(lambda: charger.is_ready)
        csms.silent.add("StartTransaction")
        await charger.plug_and_swipe(1, "CARD")
        await csms.until(lambda: bool(csms.said("StartTransaction")))
        csms.cut()
        await csms.until(lambda: len(csms.said("StartTransaction")) == 2)
        csms.silent.clear()
        await csms.until(lambda: bool(csms.said("MeterValues")))
        starts = [call for call in csms.calls if call.action == "StartTransaction"]
        assert len(starts) == 3
        assert len(set(starts)) == 1

    live(story)


def test_an_error_answer_is_retried_until_it_is_taken(live: Live) -> None:
    async def story(csms: Csms, charger: Charger) -> None:
        await csms.until(lambda: charger.is_ready)
        csms.failing.add("StartTransaction")
        await charger.plug_and_swipe(1, "CARD")
        await csms.until(lambda: len(csms.said("StartTransaction")) >= 4)
        csms.failing.clear()
        await csms.until(lambda: bool(csms.said("MeterValues")))
        assert charger.stats.errors >= 4
        errors = [call.error_code for call in charger.journal.calls if call.action == "StartTransaction"]
        assert errors[-1] == ""
        assert set(errors[:-1]) == {"InternalError"}

    live(story)


def test_a_soft_reset_ends_the_charge_and_boots_again(live: Live) -> None:
    async def story(csms: Csms, charger: Charger) -> None:
        await csms.until(lambda: charger.is_ready)
        await csms.command("RemoteStartTransaction", {"connectorId": 1, "idTag": "TOKEN"})
        await csms.until(lambda: bool(csms.said("MeterValues")))
        assert await csms.command("Reset", {"type": "Soft"}) == ACCEPTED
        await csms.until(lambda: len(csms.said("BootNotification")) == 2)
        actions = [call.action for call in csms.calls]
        assert actions.index("StopTransaction") < len(actions) - 1 - actions[::-1].index("BootNotification")
        assert csms.said("StopTransaction")[0]["reason"] == "SoftReset"
        assert csms.connects == 2

    live(story)


def test_a_hard_reset_delivers_the_stop_afterwards(live: Live) -> None:
    async def story(csms: Csms, charger: Charger) -> None:
        await csms.until(lambda: charger.is_ready)
        await csms.command("RemoteStartTransaction", {"connectorId": 1, "idTag": "TOKEN"})
        await csms.until(lambda: bool(csms.said("MeterValues")))
        csms.silent.add("StopTransaction")
        await csms.command("Reset", {"type": "Hard"})
        await csms.until(lambda: len(csms.said("BootNotification")) == 2)
        csms.silent.clear()
        await csms.until(lambda: all(t.stop_answered for t in charger.journal.transactions))
        assert {s["reason"] for s in csms.said("StopTransaction")} == {"HardReset"}

    live(story)


def test_configuration_is_read_and_changed(live: Live) -> None:
    async def story(csms: Csms, charger: Charger) -> None:
        await csms.until(lambda: charger.is_ready)
        change = "ChangeConfiguration"
        assert await csms.command(change, {"key": "HeartbeatInterval", "value": "77"}) == {
            "status": "Accepted"
        }
        assert await csms.command(change, {"key": "HeartbeatInterval", "value": "x"}) == {
            "status": "Rejected"
        }
        assert await csms.command(change, {"key": "NumberOfConnectors", "value": "9"}) == {
            "status": "Rejected"
        }
        assert await csms.command(change, {"key": "Colour", "value": "red"}) == {"status": "NotSupported"}
        answer = await csms.command(
            "GetConfiguration", {"key": ["HeartbeatInterval", "AuthorizationKey", "Colour"]}
        )
        assert answer == {
            "configurationKey": [{"key": "HeartbeatInterval", "readonly": False, "value": "77"}],
            "unknownKey": ["AuthorizationKey", "Colour"],
        }

    live(story)


def test_triggers_are_answered_and_then_obeyed(live: Live) -> None:
    async def story(csms: Csms, charger: Charger) -> None:
        await csms.until(lambda: charger.is_ready and len(csms.said("StatusNotification")) == 2)
        for message in ("Heartbeat", "BootNotification", "MeterValues", "StatusNotification"):
            before = len(csms.said(message))
            assert await csms.command("TriggerMessage", {"requestedMessage": message}) == {
                "status": "Accepted"
            }
            await csms.until(lambda before=before, message=message: len(csms.said(message)) > before)
        answer = await csms.command("TriggerMessage", {"requestedMessage": "FirmwareStatusNotification"})
        assert answer == {"status": "NotImplemented"}
        request = {"requestedMessage": "StatusNotification", "connectorId": 9}
        assert await csms.command("TriggerMessage", request) == REJECTED

    live(story)


def test_availability_waits_for_a_running_charge(live: Live) -> None:
    async def story(csms: Csms, charger: Charger) -> None:
        await csms.until(lambda: charger.is_ready)
        await charger.plug_and_swipe(1, "CARD")
        change = {"connectorId": 0, "type": "Inoperative"}
        assert await csms.command("ChangeAvailability", change) == {"status": "Scheduled"}
        await csms.until(lambda: csms.statuses(2)[-1] == "Unavailable")
        assert csms.statuses(1)[-1] == "Charging"
        charger.unplug(1)
        await csms.until(lambda: csms.statuses(1)[-1] == "Unavailable")
        assert await charger.plug_and_swipe(1, "CARD") is None
        await csms.command("ChangeAvailability", {"connectorId": 1, "type": "Operative"})
        await csms.until(lambda: csms.statuses(1)[-1] == "Available")

    live(story)


def test_unlocking_ends_the_charge(live: Live) -> None:
    async def story(csms: Csms, charger: Charger) -> None:
        await csms.until(lambda: charger.is_ready)
        await charger.plug_and_swipe(1, "CARD")
        assert await csms.command("UnlockConnector", {"connectorId": 1}) == {"status": "Unlocked"}
        await csms.until(lambda: bool(csms.said("StopTransaction")))
        assert csms.said("StopTransaction")[0]["reason"] == "UnlockCommand"
        assert await csms.command("UnlockConnector", {"connectorId": 5}) == {"status": "NotSupported"}

    live(story)


def test_what_it_does_not_know_it_says_so(live: Live) -> None:
    async def story(csms: Csms, charger: Charger) -> None:
        await csms.until(lambda: charger.is_ready)
        assert await csms.command("SendLocalList", {}) == "NotImplemented"
        assert await csms.command("DataTransfer", {"vendorId": "x"}) == {"status": "UnknownVendorId"}
        assert await csms.command("RemoteStartTransaction", {}) == "FormationViolation"
        assert await csms.command("Reset", {"type": "Medium"}) == "PropertyConstraintViolation"
        assert [command.action for command in charger.journal.commands] == [
            "SendLocalList",
            "DataTransfer",
            "RemoteStartTransaction",
            "Reset",
        ]

    live(story)


def test_the_faulted_one_shows_a_ground_failure_and_refuses(live: Live) -> None:
    async def story(csms: Csms, charger: Charger) -> None:
        await csms.until(lambda: len(csms.said("StatusNotification")) == 2)
        broken, sound = csms.said("StatusNotification")
        assert (broken["status"], broken["errorCode"]) == ("Faulted", "GroundFailure")
        assert (sound["status"], sound["errorCode"]) == ("Available", "NoError")
        start = ("RemoteStartTransaction", {"connectorId": 1, "idTag": "TOKEN"})
        assert await csms.command(*start) == REJECTED

    live(story, personality="faulted")


def test_the_rejecting_one_rejects(live: Live) -> None:
    async def story(csms: Csms, charger: Charger) -> None:
        await csms.until(lambda: charger.is_ready)
        assert await csms.command("RemoteStartTransaction", {"idTag": "TOKEN"}) == REJECTED
        assert charger.connectors[1].is_free

    live(story, personality="rejecting")


def test_the_slow_one_answers_late(live: Live) -> None:
    async def story(csms: Csms, charger: Charger) -> None:
        await csms.until(lambda: charger.is_ready)
        assert await csms.command("RemoteStartTransaction", {"idTag": "TOKEN"}) == ACCEPTED
        (command,) = charger.journal.commands
        assert (command.answered_at - command.received_at).total_seconds() > 0.1  # 6 s at the test's speed

    live(story, personality="slow")


def test_the_offline_one_never_connects(live: Live) -> None:
    async def story(csms: Csms, charger: Charger) -> None:
        await charger.runtime.sleep(2)
        assert csms.connects == 0
        assert not charger.is_ready

    live(story, personality="offline")


def test_the_dropping_one_comes_back(live: Live) -> None:
    async def story(csms: Csms, charger: Charger) -> None:
        await csms.until(lambda: csms.connects >= 2 and charger.is_ready)
        assert charger.stats.lost >= 1

    live(story, personality="dropping")


def test_drivers_come_by_on_their_own(live: Live) -> None:
    async def story(csms: Csms, charger: Charger) -> None:
        await csms.until(lambda: bool(csms.said("StopTransaction")))
        assert csms.said("StartTransaction")[0]["idTag"] == "CARD"

    live(story, id_tokens=("CARD",), local_every_s=2.0, local_charge_s=10.0)


def test_the_journal_holds_exactly_what_was_said_and_what_was_answered(live: Live) -> None:
    async def story(csms: Csms, charger: Charger) -> None:
        await csms.until(lambda: charger.is_ready)
        csms.silent.add("Heartbeat")
        await csms.until(lambda: bool(csms.said("Heartbeat")))
        await csms.until(lambda: charger.stats.errors >= 1)  # it timed out
        answered = {(c.message_id, c.action) for c in charger.journal.calls}
        assert answered == {(c.message_id, c.action) for c in csms.calls if c.action != "Heartbeat"}
        assert [c.message_id for c in charger.journal.sent] == [c.message_id for c in csms.calls]
        (boot,) = [c for c in charger.journal.calls if c.action == "BootNotification"]
        assert json.loads(bytes(boot.answer))["interval"] == 10

    live(story)
