"""Which row of the log answers which? A call and its answer are one conversation, shown together (mission
R88).

A station's call and our answer share (epoch, seq): we stamped both. A command of ours counts by itself,
and the station's result names it by the message id only.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

ANSWERS_OF: Final = {"call": ("answer",), "command": ("result", "error")}
ASKED_BY: Final = {"answer": ("call",), "result": ("command",), "error": ("command",)}


@dataclass(frozen=True, slots=True)
class Partner:
    """Where a row's partner is found: same device and epoch, one of ``kinds``, and the same seq or message
    id.
    """

    kinds: tuple[str, ...]
    by_seq: bool
    is_answer: bool


def partner_of(kind: str) -> Partner | None:
    """None for a row that stands alone (`invalid`)."""
    if kind in ANSWERS_OF:
        return Partner(ANSWERS_OF[kind], by_seq=kind == "call", is_answer=True)
    if kind in ASKED_BY:
        return Partner(ASKED_BY[kind], by_seq=kind == "answer", is_answer=False)
    return None


def round_trip_ms(asked_at: datetime, answered_at: datetime) -> int | None:
    """How long the answer took; None when both bear the call's time: the gateway answered at once."""
    took = answered_at - asked_at
    return None if took <= timedelta(0) else round(took / timedelta(milliseconds=1))
