"""What may a screen's request say? Bounded text, times in UTC, cursors of the right form."""

from datetime import UTC, datetime
from typing import Annotated, Any, Final

from pydantic import AfterValidator, StringConstraints

from stationmaster.identity.access import aware
from stationmaster.infra.http import pagination
from stationmaster.kernel.clock import parse_time
from stationmaster.kernel.errors import Invalid

PAGE: Final = 50
TEXT_MAX: Final = 100
MANY_MAX: Final = 50
_INTEGER_MAX: Final = 2**63 - 1


def _utc(at: datetime) -> datetime:
    try:
        return (aware(at) or at).astimezone(UTC)
    except OverflowError as error:
        raise ValueError("a time out of range") from error


# No database takes a NUL everywhere, so none gets as far as there.
Words = Annotated[str, StringConstraints(max_length=TEXT_MAX, pattern=r"^[^\x00]*$")]
Moment = Annotated[datetime, AfterValidator(_utc)]


def place(cursor: str | None, *kinds: type) -> list[Any] | None:
    """The sort values of the last row that was seen. Raises Invalid for a cursor that we did not make."""
    values = pagination.decode(cursor, length=len(kinds))
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
