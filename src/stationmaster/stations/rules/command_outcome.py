"""What did the station mean by its answer to a command?"""

from dataclasses import dataclass
from typing import Any

import msgspec

from stationmaster.contracts.commands import CommandOutcome

# OCPP 1.6: the status words of our commands' answers that say yes. `Scheduled` is ChangeAvailability (6.12)
# while a transaction runs, `RebootRequired` ChangeConfiguration (6.14), `Unlocked` UnlockConnector (6.58).
YES = frozenset({"Accepted", "Scheduled", "RebootRequired", "Unlocked"})

STATUS_MAX = 50


@dataclass(frozen=True, slots=True)
class Verdict:
    """The command's final state, the station's own word, and what went wrong."""

    state: str
    status: str = ""
    error: str = ""

    @property
    def is_accepted(self) -> bool:
        return self.state == "accepted"


def classify(outcome: CommandOutcome) -> Verdict:
    """From what the gateway or the dispatcher reported to exactly one final state."""
    match outcome.state:
        case "answered":
            return _of_answer(bytes(outcome.answer))
        case "accepted" | "rejected" | "failed" | "timed_out" | "offline" | "expired":
            return Verdict(outcome.state, outcome.status, outcome.error)
        case other:
            return Verdict("failed", error=f"unknown outcome {other!r}")


def _of_answer(answer: bytes) -> Verdict:
    """Answers without a status word (GetConfiguration, UpdateFirmware) are a yes by being given."""
    try:
        payload: Any = msgspec.json.decode(answer)
    except msgspec.MsgspecError:
        payload = None
    if not isinstance(payload, dict):
        return Verdict("failed", error="the station's answer is no JSON object")
    status = payload.get("status", "")
    if not isinstance(status, str):
        return Verdict("failed", error="the station's status is no text")
    if "status" not in payload or status in YES:
        return Verdict("accepted", status[:STATUS_MAX])
    return Verdict("rejected", status[:STATUS_MAX])
