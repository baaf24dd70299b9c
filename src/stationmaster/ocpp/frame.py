"""Are these bytes an OCPP-J frame, and is it safe to hand them on?

A frame is one of three JSON arrays, told apart by the first number (OCPP-J 1.6, 4.2). The payload stays the
station's own bytes. What passes here can be decoded by any JSON reader and stored by any database without
surprise: bounded size, depth, tokens and digits; no NaN or Infinity, no number beyond a double's range, no
duplicate keys, no NUL, no lone surrogates, no byte order mark.

The checks are arranged so that the common frame (no backslash, few brackets) costs microseconds: msgspec
refuses most of it while decoding, and writing the decoded value back tells whether a key got lost.
"""

import re
from typing import Any, Final

import msgspec

from stationmaster.ocpp import limits
from stationmaster.ocpp.errors import (
    BadFrame,
    FormationViolation,
    OccurenceConstraintViolation,
    ProtocolError,
)

CALL: Final = 2
CALL_RESULT: Final = 3
CALL_ERROR: Final = 4

_EMPTY: Final = b"{}"


class Call(msgspec.Struct, frozen=True):
    """One side asks (OCPP-J 1.6, 4.2.1). ``payload`` is a JSON object."""

    message_id: str
    action: str
    payload: bytes


class CallResult(msgspec.Struct, frozen=True):
    """The other side's answer (4.2.2). ``payload`` is a JSON object."""

    message_id: str
    payload: bytes


class CallError(msgspec.Struct, frozen=True):
    """The other side could not answer (4.2.3)."""

    message_id: str
    code: str
    description: str = ""
    details: bytes = _EMPTY


Frame = Call | CallResult | CallError

_decode: Final = msgspec.json.Decoder().decode
_split: Final = msgspec.json.Decoder(list[msgspec.Raw]).decode
_encode: Final = msgspec.json.Encoder().encode

# Every character that may be part of a number becomes "0": too long a run of them is worth a closer look.
_TO_ZERO: Final = bytes(48 if chr(i) in "0123456789+-.eE" else 32 for i in range(256))
_LONG_RUN: Final = b"0" * (limits.DIGITS_MAX + 1)
# Ends an unterminated string at the end of the bytes: one pass is enough whatever comes, no backtracking.
_STRING: Final = re.compile(rb'"[^"\\]*+(?:\\(?:.|\Z)[^"\\]*+)*+(?:"|\Z)', re.DOTALL)
_NUMBER: Final = re.compile(rb"-?[0-9][0-9.eE+-]*")
_NUL: Final = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
_NOT_BRACKETS: Final = bytes(i for i in range(256) if chr(i) not in "[]{}")
_CALL_HEAD: Final = re.compile(rb'\s*\[\s*2\s*,\s*"([^"\\\x00-\x1f]{1,144})"\s*[,\]]')


def parse(data: bytes | str) -> Frame:
    """The frame in ``data``; raises BadFrame, and never anything else, when there is none."""
    raw = _as_bytes(data) if isinstance(data, str) else data
    try:
        parts = _safe_parts(raw)
    except _Unsafe as error:
        raise BadFrame(FormationViolation.ocpp_code, str(error), _readable_id(raw)) from None
    kind = parts[0] if parts else None
    if type(kind) is not int:
        raise BadFrame(ProtocolError.ocpp_code, "the first element is no message type")
    if kind == CALL:
        return _call(parts, raw)
    if kind == CALL_RESULT:
        return _call_result(parts, raw)
    if kind == CALL_ERROR:
        return _call_error(parts, raw)
    # OCPP-J 1.6, 4.1.3: "When a server receives a message with a Message Type Number not in this list, it
    # SHALL ignore the message payload."
    raise BadFrame(ProtocolError.ocpp_code, f"unknown message type {str(kind)[:20]}")


class _Unsafe(Exception):
    pass


def _as_bytes(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise BadFrame(FormationViolation.ocpp_code, "a lone surrogate") from None


def _safe_parts(raw: bytes) -> list[Any]:
    """The decoded array, when nothing about the bytes is dangerous."""
    if len(raw) > limits.FRAME_BYTES_MAX:
        raise _Unsafe(f"longer than {limits.FRAME_BYTES_MAX} bytes")
    openings = raw.count(b"[") + raw.count(b"{")
    if len(raw) > limits.TOKENS_MAX or openings > limits.DEPTH_MAX:
        _check_shape(_STRING.sub(b"s", raw))
    if _LONG_RUN in raw.translate(_TO_ZERO):
        _check_numbers(_STRING.sub(b"s", raw))
    try:
        parts = _decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise _Unsafe(_first_line(error)) from None
    _check_content(raw, written=_encode(parts))
    if not isinstance(parts, list):
        raise _Unsafe("not a list")
    return parts


def _check_shape(skeleton: bytes) -> None:
    """Depth and tokens, from the bytes without their strings."""
    brackets = skeleton.translate(None, _NOT_BRACKETS)
    tokens = skeleton.count(b",") + skeleton.count(b":") + brackets.count(b"[") + brackets.count(b"{")
    if tokens > limits.TOKENS_MAX:
        raise _Unsafe(f"more than {limits.TOKENS_MAX} tokens")
    depth = 0
    for bracket in brackets:
        depth += 1 if bracket in b"[{" else -1
        if depth > limits.DEPTH_MAX:
            raise _Unsafe(f"nested deeper than {limits.DEPTH_MAX}")


def _check_numbers(skeleton: bytes) -> None:
    for number in _NUMBER.finditer(skeleton):
        if sum(48 <= byte <= 57 for byte in number.group()) > limits.DIGITS_MAX:
            raise _Unsafe(f"a number of more than {limits.DIGITS_MAX} digits")


def _check_content(raw: bytes, *, written: bytes) -> None:
    """Duplicate keys and NUL. ``written`` is what was decoded, written back: a duplicate key got lost.

    Without backslashes, quotation marks only enclose strings, and counting them finds a lost key. With them,
    colons outside strings are counted on both sides.
    """
    if b"\\" not in raw:
        if written != raw and written.count(b'"') != raw.count(b'"'):
            raise _Unsafe("a duplicate key")
        return
    if _NUL.search(written):
        raise _Unsafe("a NUL character")
    if _STRING.sub(b"", raw).count(b":") != _STRING.sub(b"", written).count(b":"):
        raise _Unsafe("a duplicate key")


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0][:120]


def _readable_id(raw: bytes) -> str | None:
    """The message id of a CALL whose rest is broken."""
    head = _CALL_HEAD.match(raw[:256])
    if head is None:
        return None
    try:
        message_id = head.group(1).decode()
    except UnicodeDecodeError:
        return None
    return message_id if len(message_id) <= limits.MESSAGE_ID_LENGTH_MAX else None


def _message_id(parts: list[Any]) -> str | None:
    message_id = parts[1] if len(parts) > 1 else None
    if isinstance(message_id, str) and 0 < len(message_id) <= limits.MESSAGE_ID_LENGTH_MAX:
        return message_id
    return None


def _call(parts: list[Any], raw: bytes) -> Call:
    message_id = _message_id(parts)
    if message_id is None:
        raise BadFrame(ProtocolError.ocpp_code, "the message id is not text of 1 to 36 characters")
    if len(parts) != 4:
        code = OccurenceConstraintViolation.ocpp_code if len(parts) > 4 else ProtocolError.ocpp_code
        raise BadFrame(code, f"a CALL of {len(parts)} elements", message_id)
    action = parts[2]
    if not isinstance(action, str) or not 0 < len(action) <= limits.ACTION_LENGTH_MAX:
        raise BadFrame(FormationViolation.ocpp_code, "the action is no name", message_id)
    if not isinstance(parts[3], dict):
        raise BadFrame(FormationViolation.ocpp_code, "the payload is no object", message_id)
    return Call(message_id, action, bytes(_split(raw)[3]))


def _call_result(parts: list[Any], raw: bytes) -> CallResult:
    message_id = _message_id(parts)
    if message_id is None or len(parts) != 3 or not isinstance(parts[2], dict):
        raise BadFrame(ProtocolError.ocpp_code, "a malformed CALLRESULT")
    return CallResult(message_id, bytes(_split(raw)[2]))


def _call_error(parts: list[Any], raw: bytes) -> CallError:
    """Description and details may be missing: some stations leave them out; the error is clear without."""
    message_id = _message_id(parts)
    if message_id is None or not 3 <= len(parts) <= 5 or not isinstance(parts[2], str):
        raise BadFrame(ProtocolError.ocpp_code, "a malformed CALLERROR")
    description = parts[3] if len(parts) > 3 and isinstance(parts[3], str) else ""
    details = bytes(_split(raw)[4]) if len(parts) > 4 and isinstance(parts[4], dict) else _EMPTY
    return CallError(message_id, parts[2], description, details)


def _object(payload: bytes) -> bytes:
    """A JSON object, compact. Raises ValueError (our own mistake) on anything else."""
    if payload == _EMPTY:
        return payload
    try:
        compact = msgspec.json.format(payload, indent=-1)
    except msgspec.MsgspecError as error:
        raise ValueError(f"an OCPP payload is a JSON object: {error}") from None
    if not compact.startswith(b"{"):
        raise ValueError("an OCPP payload is a JSON object")
    return compact


def encode_call(message_id: str, action: str, payload: bytes) -> bytes:
    """A CALL; ``payload`` is a JSON object already written."""
    return b"[2,%b,%b,%b]" % (_encode(message_id), _encode(action), _object(payload))


def encode_result(message_id: str, payload: bytes) -> bytes:
    """A CALLRESULT; ``payload`` is a JSON object already written."""
    return b"[3,%b,%b]" % (_encode(message_id), _object(payload))


def encode_error(message_id: str, code: str, description: str = "", details: bytes = _EMPTY) -> bytes:
    """A CALLERROR. The description is cut to the 255 characters that the standard allows."""
    return b"[4,%b,%b,%b,%b]" % (
        _encode(message_id),
        _encode(code),
        _encode(description[:255]),
        _object(details),
    )
