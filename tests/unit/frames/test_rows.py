"""Which rows a frame leaves in the log, and what is never written."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from stationmaster.contracts import envelope as envelopes
from stationmaster.contracts.envelope import Envelope
from stationmaster.frames.rules.rows import TEXT_MAX, Row, rows_of

AT = datetime(2026, 1, 1, tzinfo=UTC)


def rows(kind: str = envelopes.CALL, action: str = "StatusNotification", **more: Any) -> list[Row]:
    raw = {name: msgspec.Raw(more.pop(name)) for name in ("payload", "raw_data", "answer") if name in more}
    envelope = Envelope(
        id="x", device_id="ST1", epoch=7, seq=3, kind=kind, message_type=action, timestamp="", **raw, **more
    )
    return rows_of(envelope, AT)


def test_a_call_with_its_immediate_answer_is_two_rows() -> None:
    call, answer = rows(
        message_id='m"1',
        payload=b'{"a":1}',
        raw_data=b'[2,"m\\"1","StatusNotification",{"a":1}]',
        answer=b"{}",
    )
    assert (call.kind, call.direction, call.seq, call.message_data) == ("call", "Incoming", 3, '{"a":1}')
    assert call.raw == '[2,"m\\"1","StatusNotification",{"a":1}]'
    assert (answer.kind, answer.direction, answer.seq, answer.raw) == (
        "answer",
        "Outgoing",
        3,
        '[3,"m\\"1",{}]',
    )
    assert call.key != answer.key
    assert call.timestamp == answer.timestamp == AT


def test_a_call_that_waits_for_a_decision_is_one_row() -> None:
    assert [row.kind for row in rows(action="Authorize")] == ["call"]


def test_an_answer_given_offline_is_the_answer_of_its_call() -> None:
    [row] = rows(envelopes.GIVEN, "StartTransaction", answers_seq=2, payload=b"{}")
    assert (row.kind, row.direction, row.seq, row.flags) == ("answer", "Outgoing", 2, '["offline_policy"]')


@pytest.mark.parametrize(
    ("kind", "direction"),
    [("answer", "Outgoing"), ("command", "Outgoing"), ("result", "Incoming"), ("error", "Incoming")],
)
def test_who_spoke(kind: str, direction: str) -> None:
    assert [row.direction for row in rows(kind)] == [direction]


def test_the_life_of_a_link_is_no_frame() -> None:
    assert rows(envelopes.LINK, envelopes.LINK_OPENED) == []


def test_bytes_that_were_no_json_are_kept_as_text() -> None:
    [row] = rows("invalid", "Invalid", raw_data=b'"hello \\ufffd"', flags=["odd"])
    assert (row.raw, row.flags) == ("hello \ufffd", '["odd"]')


def test_long_text_is_cut_and_says_so() -> None:
    long = b'"' + b"x" * (TEXT_MAX + 10) + b'"'
    [row] = rows("invalid", "Invalid", payload=long, raw_data=long)
    assert row.raw is not None
    assert len(row.raw) < TEXT_MAX + 50
    assert row.raw.endswith(f"… [{TEXT_MAX + 10} characters]")
    assert msgspec.json.decode(row.message_data)["truncated"] is True
    assert row.flags == '["truncated"]'


def test_the_stations_key_is_hidden_in_payload_and_frame() -> None:
    payload = b'{"key":"AuthorizationKey","value":"c0ffee"}'
    [row] = rows(
        "command",
        "ChangeConfiguration",
        payload=payload,
        raw_data=b'[2,"1","ChangeConfiguration",' + payload + b"]",
    )
    assert row.message_data == '{"key":"AuthorizationKey","value":"***"}'
    assert row.raw == '[2,"1","ChangeConfiguration",{"key":"AuthorizationKey","value":"***"}]'
    assert row.flags == '["redacted"]'


def test_the_stations_key_is_hidden_however_it_is_spelt() -> None:
    escaped = b'{"key":"\\u0041uthorizationKEY ","value":"c0ffee"}'
    [row] = rows("command", "ChangeConfiguration", payload=escaped)
    assert "c0ffee" not in row.message_data


def test_other_configuration_is_written_as_it_is() -> None:
    payload = b'{"key":"HeartbeatInterval","value":"30"}'
    [row] = rows("command", "ChangeConfiguration", payload=payload)
    assert (row.message_data, row.flags) == (payload.decode(), None)


def test_a_configuration_told_by_the_station_hides_its_key() -> None:
    key = b'{"key":"AuthorizationKey","readonly":false,"value":"c0ffee"}'
    told = b'{"configurationKey":[' + key + b',{"key":"A","value":"b"}]}'
    [row] = rows("result", "GetConfiguration", payload=told)
    assert "c0ffee" not in row.message_data
    assert '"b"' in row.message_data


def test_an_answer_of_which_nobody_knows_the_question_hides_the_key() -> None:
    told = b'{"configurationKey":[{"key":"AuthorizationKey","readonly":false,"value":"c0ffee"}]}'
    [row] = rows("result", "", payload=told, raw_data=b'[3,"1",' + told + b"]")
    assert "c0ffee" not in row.message_data + (row.raw or "")
    assert row.flags == '["redacted"]'


def test_what_is_no_json_and_mentions_a_key_is_hidden_as_a_whole() -> None:
    torn = b'{"key":"AuthorizationKey","value":"c0ff'
    [row] = rows("command", "ChangeConfiguration", payload=torn)
    assert row.message_data == '"***"'


def test_escapes_without_a_secret_are_written_as_they_came() -> None:
    said = b'{ "vendorId": "\\u00e9", "data": "the password, please" }'
    [row] = rows("call", "DataTransfer", payload=said)
    assert (row.message_data, row.flags) == (said.decode(), None)


def test_passwords_in_urls_are_hidden() -> None:
    payload = b'{"location":"ftp://user:pa:ss@example.org/up?x=1","retries":1}'
    [row] = rows(
        "command", "GetDiagnostics", payload=payload, raw_data=b'[2,"1","GetDiagnostics",' + payload + b"]"
    )
    assert "pa:ss" not in row.message_data + (row.raw or "")
    assert "ftp://***@example.org/up?x=1" in row.message_data


def test_an_address_without_a_password_stays() -> None:
    payload = b'{"location":"https://example.org/a@b"}'
    [row] = rows("command", "UpdateFirmware", payload=payload)
    assert (row.message_data, row.flags) == (payload.decode(), None)
