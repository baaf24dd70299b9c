"""An answer that a gateway gave by its offline policy: the station acted on it, so we book it."""

from collections.abc import Sequence
from dataclasses import dataclass

from stationmaster.actions.dispatch import Call


@dataclass(frozen=True, slots=True)
class GivenAnswer:
    """``payload`` is the answer as sent to the CALL with ``answers_seq`` on the same link."""

    answers_seq: int
    payload: bytes


async def handle(calls: Sequence[Call[GivenAnswer]]) -> Sequence[None]:
    """One per answer, in each station's order."""
    return [None] * len(calls)
