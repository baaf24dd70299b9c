"""Every bound of the frame parser, each way a frame can be wrong, and what is written."""

import json
import time

import pytest

from stationmaster.ocpp import limits
from stationmaster.ocpp.errors import BadFrame
from stationmaster.ocpp.frame import (
    Call,
    CallError,
    CallResult,
    encode_call,
    encode_error,
    encode_result,
    parse,
)


def a_call(payload: str = "{}") -> bytes:
    return b'[2,"id-1","Heartbeat",%b]' % payload.encode()


def refused(data: bytes | str) -> BadFrame:
    with pytest.raises(BadFrame) as caught:
        parse(data)
    return caught.value


def test_a_call_keeps_its_payload_byte_for_byte() -> None:
    payload = '{ "value" : 1.50, "text":"caf\u00e9" }'
    assert parse(a_call(payload)) == Call("id-1", "Heartbeat", payload.encode())


def test_text_is_taken_as_well_as_bytes() -> None:
    assert parse('[3,"id-1",{}]') == CallResult("id-1", b"{}")


def test_an_error_may_leave_out_description_and_details() -> None:
    assert parse(b'[4,"id-1","NotSupported"]') == CallError("id-1", "NotSupported", "", b"{}")
    assert parse(b'[4,"id-1","GenericError","why",{"a":1}]') == CallError(
        "id-1", "GenericError", "why", b'{"a":1}'
    )
    assert parse(b'[4,"id-1","GenericError",null,null]') == CallError("id-1", "GenericError", "", b"{}")


def test_white_space_and_escapes_are_fine() -> None:
    frame = parse(b' [ 2 , "a\\u00e9\\"" , "Heart\\u0062eat" , {"a\\"b":"c\\\\u0000", "\\u0061":"\\n"} ] \n')
    assert isinstance(frame, Call)
    assert (frame.message_id, frame.action) == ('aé"', "Heartbeat")


BAD_BUT_ANSWERABLE = {
    "NaN": '{"a":NaN}',
    "Infinity": '{"a":-Infinity}',
    "beyond a double": '{"a":1e400}',
    "duplicate key": '{"a":1,"a":2}',
    "nested duplicate key": '{"x":[{"a":1},{"b":{"k":"1","k":"2"}}]}',
    "duplicate key in disguise": '{"a":1,"\\u0061":2}',
    "duplicate empty key": '{"":1,"":2}',
    "escaped NUL": '{"a":"x\\u0000y"}',
    "escaped NUL in a key": '{"a\\u0000":1}',
    "NUL after an escaped backslash": '{"a":"\\\\\\u0000"}',
    "lone high surrogate": '{"a":"\\ud800"}',
    "lone low surrogate": '{"a":"\\udc00x"}',
    "high surrogate twice": '{"a":"\\ud800\\ud800"}',
    "raw control character": '{"a":"\n"}',
    "too many digits": '{"a":%s}' % ("1" * 41),
    "too many fraction digits": '{"a":0.%s}' % ("1" * 41),
    "too many exponent digits": '{"a":1e%s1}' % ("0" * 41),
    "trailing comma": '{"a":1,}',
    "leading zero": '{"a":01}',
    "cut off": '{"a":',
    "a list": "[]",
    "text": '"x"',
    "null": "null",
}


@pytest.mark.parametrize("payload", BAD_BUT_ANSWERABLE.values(), ids=BAD_BUT_ANSWERABLE)
def test_a_bad_payload_is_a_formation_violation_of_a_readable_call(payload: str) -> None:
    bad = refused(a_call(payload))
    assert (bad.code, bad.message_id) == ("FormationViolation", "id-1")


NO_FRAMES = {
    "nothing": b"",
    "blanks": b"  ",
    "no JSON": b"hello",
    "no list": b'{"a":1}',
    "a number": b"2",
    "empty list": b"[]",
    "byte order mark": b'\xef\xbb\xbf[2,"id-1","Heartbeat",{}]',
    "UTF-16": '[2,"id-1","Heartbeat",{}]'.encode("utf-16"),
    "type 5": b'[5,"id-1","Heartbeat",{}]',
    "type 99": b'[99,"id-1",{}]',
    "type as text": b'["2","id-1","Heartbeat",{}]',
    "type as float": b'[2.0,"id-1","Heartbeat",{}]',
    "type true": b'[true,"id-1","Heartbeat",{}]',
    "id a number": b'[2,1,"Heartbeat",{}]',
    "id null": b'[2,null,"Heartbeat",{}]',
    "id empty": b'[2,"","Heartbeat",{}]',
    "id too long": b'[2,"%b","Heartbeat",{}]' % (b"x" * 37),
    "only a type": b"[2]",
    "brackets": b"[" * 60_000,
    "braces": b'{"a":' * 12_000,
    "result without payload": b'[3,"id-1"]',
    "result with a list": b'[3,"id-1",[]]',
    "result with extra parts": b'[3,"id-1",{},1]',
    "result with NaN": b'[3,"id-1",{"a":NaN}]',
    "error with a number as code": b'[4,"id-1",1,"",{}]',
    "error with extra parts": b'[4,"id-1","A","",{},1]',
    "trailing bytes": b'[3,"id-1",{}] x',
    "trailing NUL": b'[3,"id-1",{}]\x00',
}


@pytest.mark.parametrize("data", NO_FRAMES.values(), ids=NO_FRAMES)
def test_what_is_no_call_with_a_readable_id_is_not_answered(data: bytes) -> None:
    assert refused(data).message_id is None


def test_missing_and_extra_parts_of_a_call_are_named() -> None:
    assert refused(b'[2,"id-1","Heartbeat"]').code == "ProtocolError"
    assert refused(b'[2,"id-1"]').message_id == "id-1"
    assert refused(b'[2,"id-1","Heartbeat",{},{}]').code == "OccurenceConstraintViolation"


@pytest.mark.parametrize("action", ["[]", "1", "null", '""', '"%s"' % ("x" * 65)])
def test_an_action_that_is_no_name_is_answered(action: str) -> None:
    bad = refused(b'[2,"id-1",%b,{}]' % action.encode())
    assert (bad.code, bad.message_id) == ("FormationViolation", "id-1")


def test_invalid_utf8_is_refused_wherever_it_stands() -> None:
    assert refused(a_call().replace(b"{}", b'{"a":"\xff"}')).message_id == "id-1"
    assert refused(a_call().replace(b"{}", b'{"a":"\xed\xa0\x80"}')).message_id == "id-1"
    assert refused(b'[2,"\xff","Heartbeat",{}]').message_id is None
    assert refused('[2,"id-1","Heartbeat",{"a":"\ud800"}]').code == "FormationViolation"


def test_the_size_bound_is_exact() -> None:
    room = limits.FRAME_BYTES_MAX - len(a_call('{"a":""}'))
    assert isinstance(parse(a_call('{"a":"%s"}' % ("x" * room))), Call)
    assert "longer" in refused(a_call('{"a":"%s"}' % ("x" * (room + 1)))).reason


def test_the_depth_bound_is_exact() -> None:
    def nested(depth: int) -> bytes:  # The frame's own list and the payload's object are two levels.
        return a_call('{{"a":{}{}}}'.format("[" * (depth - 2), "]" * (depth - 2)))

    assert isinstance(parse(nested(limits.DEPTH_MAX)), Call)
    assert "deeper" in refused(nested(limits.DEPTH_MAX + 1)).reason


def test_many_brackets_that_are_not_deep_are_fine() -> None:
    assert isinstance(parse(a_call('{{"a":[{}]}}'.format(",".join(["{}"] * 500)))), Call)
    assert isinstance(parse(a_call('{"a":"%s"}' % ("[" * 5000))), Call)


def test_the_token_bound_counts_outside_strings_only() -> None:
    spent = 2 + 3 + 1 + 1  # brackets, commas of the frame, the colon, the list
    items = limits.TOKENS_MAX - spent
    assert isinstance(parse(a_call('{{"a":[{}]}}'.format(",".join(["1"] * (items + 1))))), Call)
    assert "tokens" in refused(a_call('{{"a":[{}]}}'.format(",".join(["1"] * (items + 2))))).reason
    assert isinstance(parse(a_call('{"a":"%s"}' % (",:[" * 5000))), Call)


def test_the_digit_bound_is_exact_and_for_numbers_only() -> None:
    assert isinstance(parse(a_call('{"a":%s}' % ("9" * 40))), Call)
    assert isinstance(parse(a_call('{"a":-0.%s}' % ("1" * 39))), Call)
    assert isinstance(parse(a_call('{"a":"%s"}' % ("9" * 400))), Call)


@pytest.mark.parametrize(
    "data",
    [
        b"[" * 65_000,
        b'["' + b'\\"' * 32_000,
        b"[" + b'\\"' * 32_000,
        b'["",' * 16_000,
        b"1" * 65_000,
        b"\\" * 65_000,
        b'[2,"a","b",{"' + b"a\\" * 30_000,
    ],
)
def test_the_worst_bytes_cost_milliseconds(data: bytes) -> None:
    """A quadratic check would take minutes; the bound is wide because machines differ."""
    began = time.process_time()
    refused(data)
    assert time.process_time() - began < 0.5


def test_what_is_written_is_compact_json() -> None:
    assert encode_call("1", "Reset", b'{ "type" : "Soft" }') == b'[2,"1","Reset",{"type":"Soft"}]'
    assert encode_result("1", b"{}") == b'[3,"1",{}]'
    written = encode_error('a"b', "GenericError", 'say "no"\n' + "x" * 300)
    assert json.loads(written)[:3] == [4, 'a"b', "GenericError"]
    assert len(json.loads(written)[3]) == 255


@pytest.mark.parametrize("payload", [b"", b"[]", b"{", b'{"a":NaN}', b"{}{}", b"null"])
def test_what_is_no_object_is_not_written(payload: bytes) -> None:
    with pytest.raises(ValueError, match="JSON object"):
        encode_result("1", payload)
