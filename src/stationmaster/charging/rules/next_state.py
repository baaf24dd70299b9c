"""What becomes of a session when something happens to it? (reliability 5.2)"""

from enum import StrEnum
from typing import assert_never

from stationmaster.charging.model import State


class Event(StrEnum):
    """Everything that can move a session."""

    START_ACCEPTED = "start_accepted"  # the station answered a remote start with Accepted
    START_FAILED = "start_failed"  # rejected, offline, expired, timed out, or the gateway was lost
    CANCELLED = "cancelled"
    CONNECTOR_TAKEN = "connector_taken"  # somebody else's transaction began where this one was awaited
    START_DEADLINE = "start_deadline"
    STARTED = "started"  # a transaction of its own began
    STOP_ASKED = "stop_asked"
    ENDED_NORMALLY = "ended_normally"
    ENDED_OTHERWISE = "ended_otherwise"
    SUPERSEDED = (
        "superseded"  # the station began another transaction on the connector: this one's end was not seen
    )
    GHOST_EVIDENCE = "ghost_evidence"
    SIGN_OF_LIFE = "sign_of_life"
    INVESTIGATION_DEADLINE = "investigation_deadline"
    FORCED = "forced"  # an operator's force-close, or the station is decommissioned


def next_state(state: State, event: Event) -> State | None:
    """The state afterwards; None when the event means nothing to a session in this state."""
    return _moves(event).get(state)


def _moves(event: Event) -> dict[State, State]:
    match event:
        case Event.START_ACCEPTED:
            return {State.PENDING: State.STARTING}
        case Event.START_FAILED | Event.CANCELLED | Event.CONNECTOR_TAKEN | Event.START_DEADLINE:
            return {State.PENDING: State.FAILED, State.STARTING: State.FAILED}
        case Event.STARTED:
            # FAILED: the station took longer than we waited; the energy flows all the same.
            return dict.fromkeys((State.PENDING, State.STARTING, State.FAILED, State.ORPHANED), State.ONGOING)
        case Event.STOP_ASKED:
            # An investigation stays one while the station is asked to stop.
            return {
                State.ONGOING: State.STOPPING,
                State.STOPPING: State.STOPPING,
                State.ORPHANED: State.ORPHANED,
                State.GHOST: State.GHOST,
            }
        case Event.ENDED_NORMALLY:
            # An orphan never completes: nobody agreed to it.
            ends = dict.fromkeys((State.ONGOING, State.STOPPING, State.GHOST), State.COMPLETED)
            return {**ends, State.ORPHANED: State.TERMINATED}
        case Event.ENDED_OTHERWISE:
            return dict.fromkeys(
                (State.ONGOING, State.STOPPING, State.GHOST, State.ORPHANED), State.TERMINATED
            )
        case Event.SUPERSEDED | Event.GHOST_EVIDENCE:
            return {State.ONGOING: State.GHOST, State.STOPPING: State.GHOST}
        case Event.SIGN_OF_LIFE:
            return {State.GHOST: State.ONGOING}
        case Event.INVESTIGATION_DEADLINE:
            return {State.GHOST: State.TERMINATED, State.ORPHANED: State.TERMINATED}
        case Event.FORCED:
            open_states = (State.ONGOING, State.STOPPING, State.ORPHANED, State.GHOST)
            return {
                **dict.fromkeys(open_states, State.TERMINATED),
                **dict.fromkeys((State.PENDING, State.STARTING), State.FAILED),
            }
    assert_never(event)


NORMAL_REASONS = frozenset({"", "Local", "Remote", "EVDisconnected"})
"""The stop reasons of a charge that ended as its driver meant it to; any other is TERMINATED."""


def ending(stop_reason: str) -> Event:
    """How a StopTransaction with this reason ends its session."""
    return Event.ENDED_NORMALLY if stop_reason in NORMAL_REASONS else Event.ENDED_OTHERWISE
