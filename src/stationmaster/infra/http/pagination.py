"""Cursors: opaque, checked, bounded."""

import base64
import binascii
import json
from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import Query

from stationmaster.kernel.clock import parse_time
from stationmaster.kernel.errors import Invalid

PAGE_MAX = 200
_INTEGER_MAX: Final = 2**63 - 1
Limit = Annotated[int, Query(ge=1, le=PAGE_MAX)]
Cursor = Annotated[str | None, Query(max_length=512)]


def encode(values: list[Any]) -> str:
    """A cursor from the sort values of the last row."""
    return base64.urlsafe_b64encode(json.dumps(values, separators=(",", ":")).encode()).decode().rstrip("=")


def decode(cursor: str | None, *, length: int) -> list[Any] | None:
    """Raises Invalid for a cursor that we did not make."""
    if cursor is None:
        return None
    try:
        values = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, binascii.Error, RecursionError):
        values = None
    if not isinstance(values, list) or len(values) != length:
        raise Invalid("bad_cursor", "The cursor is not one of ours.", hint="Start again without a cursor.")
    return values


def place(cursor: str | None, *kinds: type) -> list[Any] | None:
    """The sort values of the last row that was seen. Raises Invalid for a cursor that we did not make."""
    values = decode(cursor, length=len(kinds))
    if values is None:
        return None
    return [_checked(value, kind) for value, kind in zip(values, kinds, strict=True)]


def _checked(value: Any, kind: type) -> Any:
    if kind is datetime and isinstance(value, str) and (at := parse_time(value)) is not None:
        return at
    if kind is int and type(value) is int and abs(value) <= _INTEGER_MAX:
        return value
    if kind is str and isinstance(value, str) and _is_storable(value):
        return value
    raise Invalid("bad_cursor", "The cursor is not one of ours.", hint="Start again without a cursor.")


def _is_storable(text: str) -> bool:
    """Neither NUL nor half a character."""
    return "\0" not in text and text.encode("utf-8", "ignore").decode() == text
