"""Everything a station says is answered at once, except what somebody has to decide."""

import json
from datetime import UTC, datetime

from stationmaster.ocpp import immediate
from stationmaster.ocpp.actions16 import DECIDED, STATION_ACTIONS

NOW = datetime(2026, 3, 4, 5, 6, 7, 89_000, tzinfo=UTC)


def answer(action: str, payload: bytes = b"{}") -> bytes | None:
    return immediate.answer(action, payload, now=NOW, heartbeat_interval_s=300)


def test_exactly_the_decided_actions_wait() -> None:
    assert {action for action in STATION_ACTIONS if answer(action) is None} == DECIDED


def test_an_unknown_action_has_no_answer() -> None:
    assert answer("Fly") is None
    assert answer("Reset") is None


def test_a_boot_is_accepted_with_time_and_interval() -> None:
    assert json.loads(answer("BootNotification") or b"") == {
        "currentTime": "2026-03-04T05:06:07.089Z",
        "interval": 300,
        "status": "Accepted",
    }


def test_a_heartbeat_tells_the_time() -> None:
    assert answer("Heartbeat") == b'{"currentTime":"2026-03-04T05:06:07.089Z"}'


def test_a_stop_is_answered_whatever_it_says() -> None:
    assert answer("StopTransaction", b'{"nonsense":true}') == b"{}"
