"""How long is a gap waited for? (architecture 3.3)

A link that has ended will send nothing more: what is missing can only come from a spool or a redelivery,
soon. On a live link the filler may still be on its way, so it is given longer, and going on is an alarm.
"""

from datetime import datetime, timedelta
from typing import Final

AFTER_THE_END: Final = timedelta(seconds=60)
ON_A_LIVE_LINK: Final = timedelta(minutes=5)


def waits_until(*, gap_since: datetime, ended_at: datetime | None) -> datetime:
    """``gap_since`` is when the gap was noticed, ``ended_at`` when the link is known to have ended."""
    if ended_at is None:
        return gap_since + ON_A_LIVE_LINK
    return max(gap_since, ended_at) + AFTER_THE_END


def ended(
    *, closed_at: datetime | None, newer_link_at: datetime | None, vanished_at: datetime | None = None
) -> datetime | None:
    """A link has ended when it says so, when its station has a newer one, or when no gateway claims to have
    it.
    """
    known = [at for at in (closed_at, newer_link_at, vanished_at) if at is not None]
    return min(known, default=None)
