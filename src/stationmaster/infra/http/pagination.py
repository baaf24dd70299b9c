"""Cursors: opaque, checked, bounded."""

import base64
import binascii
import json
from typing import Annotated, Any

from fastapi import Query

from stationmaster.kernel.errors import Invalid

PAGE_MAX = 200
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
