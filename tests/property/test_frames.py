"""Any bytes are a frame or a BadFrame, never anything else; and what we write, we read."""

import json
import math
import re

import msgspec
from hypothesis import example, given, settings
from hypothesis import strategies as st

from stationmaster.ocpp import limits
from stationmaster.ocpp.errors import ERROR_CODES, BadFrame
from stationmaster.ocpp.frame import (
    Call,
    CallError,
    CallResult,
    Frame,
    encode_call,
    encode_error,
    encode_result,
    parse,
)

ids = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=36)
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30)
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(10**39), 10**39)
    | st.floats(allow_nan=False, allow_infinity=False)
)
values = st.recursive(
    scalars | texts, lambda inner: st.lists(inner, max_size=5) | st.dictionaries(texts, inner, max_size=5)
)
payloads = st.dictionaries(texts, values, max_size=6)


def attempt(data: bytes | str) -> Frame | BadFrame:
    try:
        return parse(data)
    except BadFrame as error:
        bad = error
    assert bad.code in ERROR_CODES
    assert bad.message_id is None or 1 <= len(bad.message_id) <= limits.MESSAGE_ID_LENGTH_MAX
    return bad


@settings(max_examples=600)
@given(st.binary(max_size=300))
@example(b"[" * 60_000)
@example(b'[2,"a","b",{"a":"\\ud800\\udc00"}]')
def test_any_bytes_are_a_frame_or_a_bad_frame(data: bytes) -> None:
    attempt(data)


@settings(max_examples=600)
@given(st.text(alphabet='[]{}",:\\u0123456789eE+-. natrfl2"\ud800\0\ufeff', max_size=120))
def test_text_that_looks_like_json_is_a_frame_or_a_bad_frame(text: str) -> None:
    attempt(text)


class HarmfulError(Exception):
    pass


def _no_duplicates(pairs: list[tuple[str, object]]) -> dict[str, object]:
    if len({key for key, _ in pairs}) != len(pairs):
        raise HarmfulError
    return dict(pairs)


def _no_constant(_name: str) -> object:
    raise HarmfulError


def _number(text: str) -> float:
    if sum(character.isdigit() for character in text) > limits.DIGITS_MAX or math.isinf(float(text)):
        raise HarmfulError
    return float(text)


def is_harmless(payload: str) -> bool:
    """The slow and obvious way, by another reader."""
    try:
        content = json.loads(
            payload,
            object_pairs_hook=_no_duplicates,
            parse_constant=_no_constant,
            parse_int=_number,
            parse_float=_number,
        )
        text = json.dumps(content, ensure_ascii=False)
        text.encode()  # a lone surrogate cannot be
    except (HarmfulError, ValueError):
        return False
    return isinstance(content, dict) and re.search(r"(?<!\\)(\\\\)*\\u0000", text) is None


KEYS = ['"a"', '"b"', '"\\u0061"', '"a:"', '"\\""', '"\\\\u0000"', '"\\u0000"', '""', '"{,"']
VALUES = ["1", "-0.5", "1e5", "1E+2", "1e999", "NaN", "-Infinity", "9" * 40, "9" * 41, "0." + "1" * 40, "[]",
          "{}", '{"a":1,"a":1}', '{"a":{"b":[{"c":1}]}}', '"x"', '"\\ud800"', '"\\udc00"', '"\\ud83d\\ude00"',
          '"\\u0000"', '"\\\\u0000"', '"\\\\\\u0000"', '"\\"', "tru", "null", "01", '"\\/"', '"\ufeff"',
          '"a\tb"', '"' + "9" * 60 + '"', '"12:00:00"', "[1,]", '"\\n\\u00e9"']  # fmt: skip


@settings(max_examples=1500)
@given(
    st.lists(st.tuples(st.sampled_from(KEYS), st.sampled_from(VALUES)), max_size=4),
    st.sampled_from([",", " , ", ",\n"]),
)
def test_exactly_the_harmless_payloads_pass(members: list[tuple[str, str]], comma: str) -> None:
    payload = "{" + comma.join(f"{key}:{value}" for key, value in members) + "}"
    frame = attempt(f'[2,"id","Act",{payload}]')
    assert isinstance(frame, Call) == is_harmless(payload)
    if isinstance(frame, Call):
        assert frame.payload == payload.encode()


@given(ids, st.sampled_from(["Heartbeat", "MeterValues", 'odd "name"']), payloads)
def test_a_call_round_trips(message_id: str, action: str, payload: dict[str, object]) -> None:
    body = msgspec.json.encode(payload)
    assert parse(encode_call(message_id, action, body)) == Call(message_id, action, body)


@given(ids, payloads)
def test_a_result_round_trips(message_id: str, payload: dict[str, object]) -> None:
    body = msgspec.json.encode(payload)
    assert parse(encode_result(message_id, body)) == CallResult(message_id, body)


@given(ids, st.sampled_from(sorted(ERROR_CODES)), texts)
def test_an_error_round_trips(message_id: str, code: str, description: str) -> None:
    assert parse(encode_error(message_id, code, description)) == CallError(message_id, code, description)


@given(ids, payloads, st.sampled_from([(", ", ": "), (",", ":")]), st.booleans())
def test_every_ordinary_writer_is_read(
    message_id: str, payload: dict[str, object], separators: tuple[str, str], ascii_only: bool
) -> None:
    """Python's, Java's and C#'s habits: spaces, escapes."""
    text = json.dumps([2, message_id, "Act", payload], separators=separators, ensure_ascii=ascii_only)
    frame = parse(text)
    assert isinstance(frame, Call)
    assert json.loads(frame.payload) == payload


@given(payloads, st.data())
def test_a_doubled_key_is_always_found(payload: dict[str, object], data: st.DataObject) -> None:
    body = json.dumps({**payload, "twice": 1}, ensure_ascii=data.draw(st.booleans()))
    key = data.draw(st.sampled_from(sorted({**payload, "twice": 1})))
    doubled = f"{body[:-1]}, {json.dumps(key)}: 2}}"
    bad = attempt(f'[2,"id","Act",{doubled}]')
    assert isinstance(bad, BadFrame)
    assert bad.message_id == "id"
