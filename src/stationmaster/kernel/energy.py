"""Energy is integer watt-hours."""

from decimal import Decimal, InvalidOperation

MAX_WH = 10**13


def wh_of(value: object, *, unit: str | None = None) -> int | None:
    """A meter value as whole watt-hours, or None when it is no plausible number.

    Stations send text or numbers, Wh or kWh (OCPP 1.6, 7.31 and 7.43); fractions of a Wh are cut off.
    """
    factor = 1000 if unit in {"kWh", "kvarh"} else 1
    try:
        number = Decimal(str(value).strip()) * factor
    except (InvalidOperation, ValueError):
        return None
    if not number.is_finite() or abs(number) > MAX_WH:
        return None
    return int(number)
