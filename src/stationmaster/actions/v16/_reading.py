"""How are a station's numbers and times read when it writes them its own way?

A field that is off its schema must never be a reason not to take a start, a meter value or a stop (OCPP 1.6,
4.7, 4.8, 4.10): what cannot be read is None here, and whoever asked says what that means.
"""

from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation

from stationmaster.kernel.clock import parse_time

Number = int | float | str | None
"""What may stand where the standard wants a number."""

EARLIEST = datetime(2015, 1, 1, tzinfo=UTC)
SLACK = timedelta(hours=24)
INT32_MAX = 2**31 - 1
CONNECTOR_ID_MAX = 255


def whole(value: Number) -> int | None:
    """A whole number that a database can hold, or None."""
    if value is None or isinstance(value, bool):
        return None
    try:
        number = Decimal(str(value).strip())
    except (InvalidOperation, ValueError):
        return None
    if not number.is_finite() or abs(number) > INT32_MAX:
        return None
    return int(number)


def connector_id(value: Number) -> int | None:
    """0 is the station itself; a number that no station has is None."""
    number = whole(value)
    return number if number is not None and 0 <= number <= CONNECTOR_ID_MAX else None


def device_time(value: Number, *, received_at: datetime) -> datetime | None:
    """The station's own time where its clock can be believed: not before 2015, not after tomorrow."""
    if not isinstance(value, str):
        return None
    at = parse_time(value)
    return at if at is not None and EARLIEST <= at <= received_at + SLACK else None


def clean(value: str | None, length: int) -> str:
    """Text of a station for our columns: no control characters (NUL among them), bounded."""
    return "".join(c for c in value or "" if c.isprintable())[:length]
