"""Commands of ours: on record, once, to the right link, with exactly one outcome."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from tests.unit.gateway.kit import World, until, world

from stationmaster.contracts.commands import CommandOutcome, StationCommand
from stationmaster.kernel.clock import isoformat_z

pytestmark = pytest.mark.anyio


def command(w: World, number: int = 1, **changes: Any) -> StationCommand:
    link = w.gateway._links.get("CP-1")
    given = {
        "command_id": f"cmd_{number}",
        "device_id": "CP-1",
        "command": "Reset",
        "payload": msgspec.Raw(b'{"type":"Soft"}'),
        "timestamp": "2026-01-01T00:00:00Z",
        "deadline_at": isoformat_z(datetime.now(UTC) + timedelta(seconds=30)),
        "epoch": link.epoch if link else 0,
        "gateway_id": "gw-test",
        **changes,
    }
    return StationCommand(**given)


async def outcome(w: World, count: int = 1) -> CommandOutcome:
    await until(lambda: len(w.bus.outcomes()) >= count)
    return w.bus.outcomes()[count - 1]


async def test_on_record_then_said_then_answered() -> None:
    async with world() as w:
        station = await w.link()
        w.bus.held = True
        await w.command(command(w))
        await until(lambda: len(w.bus.waiting) == 1)
        assert await station.hears_nothing()
        w.bus.release()
        assert await station.hear() == [2, "cmd_1", "Reset", {"type": "Soft"}]
        await station.send(3, "cmd_1", {"status": "Accepted"})
        told = await outcome(w)
        assert (told.state, told.command, bytes(told.answer)) == (
            "answered",
            "Reset",
            b'{"status": "Accepted"}',
        )
        sent, result = w.bus.envelopes()[1:]
        assert (sent.kind, sent.seq, sent.direction, sent.message_type) == ("command", 1, "Outgoing", "Reset")
        assert (result.kind, result.seq, result.message_type, result.message_id) == (
            "result",
            2,
            "Reset",
            "cmd_1",
        )
        routes = {m.message_id: (m.exchange, m.routing_key) for m in w.bus.published}
        assert routes["cmd_1:outcome"] == ("", "charging.command.response")
        assert routes[sent.id][1] == "log.command"
        assert routes[result.id][1] == "ocpp.response"


@pytest.mark.parametrize(
    ("action", "queue"),
    [
        ("RemoteStartTransaction", "charging.remote.response"),
        ("RemoteStopTransaction", "charging.remote.stop.response"),
    ],
)
async def test_starts_and_stops_have_their_own_response_queues(action: str, queue: str) -> None:
    async with world() as w:
        station = await w.link()
        await w.command(command(w, command=action, session_id="ses_1"))
        await station.hear()
        await station.send(3, "cmd_1", {"status": "Rejected"})
        told = await outcome(w)
        assert (told.state, told.session_id) == ("answered", "ses_1")
        assert w.bus.published[-1].routing_key == queue


async def test_an_error_answer_is_failed_and_on_record() -> None:
    async with world() as w:
        station = await w.link()
        await w.command(command(w))
        await station.hear()
        await station.send(4, "cmd_1", "NotSupported", "no", {"a": 1})
        told = await outcome(w)
        assert (told.state, told.error) == ("failed", "NotSupported: no")
        error = w.bus.envelopes()[-1]
        assert error.kind == "error"
        assert msgspec.json.decode(error.payload) == {
            "errorCode": "NotSupported",
            "errorDescription": "no",
            "errorDetails": {"a": 1},
        }


async def test_a_repeat_is_not_sent_again_not_even_after_a_restart() -> None:
    async with world() as w:
        station = await w.link()
        first = command(w)
        await w.command(first)
        assert (await station.hear())[1] == "cmd_1"
        await w.command(first)
        assert await station.hears_nothing()
        await w.stop()
        await w.start()
        station = await w.link()
        await w.command(command(w))
        assert await station.hears_nothing()


async def test_another_link_is_offline_and_a_past_deadline_expired() -> None:
    async with world() as w:
        station = await w.link()
        await w.command(command(w, 1, epoch=1))
        await w.command(command(w, 2, epoch=0))
        await w.command(command(w, 3, device_id="CP-9"))
        await w.command(command(w, 4, deadline_at="2026-01-01T00:00:00Z"))
        await w.command(command(w, 5, deadline_at="nonsense"))
        await outcome(w, 5)
        assert [told.state for told in w.bus.outcomes()] == [
            "offline",
            "offline",
            "offline",
            "expired",
            "expired",
        ]
        assert await station.hears_nothing()


async def test_one_outstanding_at_a_time_in_order() -> None:
    async with world() as w:
        station = await w.link()
        for number in (1, 2, 3):
            await w.command(command(w, number))
        for number in (1, 2, 3):
            assert (await station.hear())[1] == f"cmd_{number}"
            assert await station.hears_nothing(0.02)
            await station.send(3, f"cmd_{number}", {})
        await outcome(w, 3)


async def test_no_answer_in_time_and_the_next_one_goes() -> None:
    async with world(answer_within_s=0.05) as w:
        station = await w.link()
        await w.command(command(w, 1))
        await w.command(command(w, 2))
        assert (await station.hear())[1] == "cmd_1"
        assert (await outcome(w)).state == "timed_out"
        assert (await station.hear())[1] == "cmd_2"
        await station.send(3, "cmd_1", {"status": "Accepted"})  # too late: nobody hears it
        await station.send(3, "cmd_2", {"status": "Accepted"})
        told = await outcome(w, 2)
        assert (told.command_id, told.state) == ("cmd_2", "answered")
        assert len(w.bus.outcomes()) == 2


async def test_a_command_that_waits_past_its_deadline_is_never_sent() -> None:
    async with world() as w:
        station = await w.link()
        await w.command(command(w, 1))
        soon = isoformat_z(datetime.now(UTC) + timedelta(seconds=0.1))
        await w.command(command(w, 2, deadline_at=soon))
        await station.hear()
        told = await outcome(w)
        assert (told.command_id, told.state) == ("cmd_2", "expired")
        await station.send(3, "cmd_1", {})
        await outcome(w, 2)
        assert await station.hears_nothing()


async def test_the_link_ends_before_the_answer() -> None:
    async with world() as w:
        station = await w.link()
        await w.command(command(w, 1))
        await w.command(command(w, 2))
        await station.hear()
        await station.leave()
        await outcome(w, 2)
        assert {told.command_id: told.state for told in w.bus.outcomes()} == {
            "cmd_1": "timed_out",
            "cmd_2": "offline",
        }


async def test_a_remote_starts_token_is_good_offline() -> None:
    async with world(decide_within_s=0.05) as w:
        station = await w.link()
        payload = msgspec.Raw(b'{"idTag":"ONCE","connectorId":1}')
        await w.command(command(w, command="RemoteStartTransaction", payload=payload))
        await station.hear()
        await station.send(3, "cmd_1", {"status": "Accepted"})
        heard = await station.call("StartTransaction", {"idTag": "once", "connectorId": 1})
        assert heard[2]["idTagInfo"]["status"] == "Accepted"


async def test_while_the_broker_is_away_the_outcome_waits_in_the_spool() -> None:
    async with world() as w:
        station = await w.link()
        await w.command(command(w))
        await station.hear()
        w.bus.ready = False
        await station.send(3, "cmd_1", {"status": "Accepted"})
        assert w.spool is not None
        await until(lambda: w.spool is not None and w.spool.depth == 2)
        w.bus.ready = True
        assert (await outcome(w)).state == "answered"


async def test_mail_that_is_no_mail_is_set_aside() -> None:
    async with world() as w:
        delivery = await w.bus.deliver(w.mailbox, b'{"kind":"poem"}')
        assert (delivery.verdict, "poem" in delivery.reason) == ("dead", True)


async def test_the_mailbox_opens_when_the_bus_comes_back() -> None:
    async with world() as w:
        await w.stop()
        w.bus.mail_down = True
        await w.start()
        assert w.mailbox not in w.bus.handlers
        w.bus.mail_down = False
        await until(lambda: w.mailbox in w.bus.handlers)
