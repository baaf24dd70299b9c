"""What may a screen's request say? Bounded text, times in UTC, cursors of the right form."""

from datetime import UTC, datetime
from typing import Annotated, Final

from pydantic import AfterValidator

from stationmaster.identity.access import aware
from stationmaster.infra.http.pagination import place
from stationmaster.infra.http.wire import TEXT_MAX, Words

__all__ = ["MANY_MAX", "PAGE", "TEXT_MAX", "Moment", "Words", "place"]

PAGE: Final = 50
MANY_MAX: Final = 50


def _utc(at: datetime) -> datetime:
    try:
        return (aware(at) or at).astimezone(UTC)
    except OverflowError as error:
        raise ValueError("a time out of range") from error


Moment = Annotated[datetime, AfterValidator(_utc)]
