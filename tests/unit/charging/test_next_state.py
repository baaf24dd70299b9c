"""Every state against every event."""

import pytest

from stationmaster.charging.model import DELIVERING, LIVE, OPEN, TERMINAL, State
from stationmaster.charging.rules.next_state import Event, ending, next_state

S, E = State, Event
MOVES = {
    (S.PENDING, E.START_ACCEPTED): S.STARTING,
    (S.PENDING, E.START_FAILED): S.FAILED,
    (S.STARTING, E.START_FAILED): S.FAILED,
    (S.PENDING, E.CANCELLED): S.FAILED,
    (S.STARTING, E.CANCELLED): S.FAILED,
    (S.PENDING, E.CONNECTOR_TAKEN): S.FAILED,
    (S.STARTING, E.CONNECTOR_TAKEN): S.FAILED,
    (S.PENDING, E.START_DEADLINE): S.FAILED,
    (S.STARTING, E.START_DEADLINE): S.FAILED,
    (S.PENDING, E.STARTED): S.ONGOING,
    (S.STARTING, E.STARTED): S.ONGOING,
    (S.FAILED, E.STARTED): S.ONGOING,
    (S.ORPHANED, E.STARTED): S.ONGOING,
    (S.ONGOING, E.STOP_ASKED): S.STOPPING,
    (S.STOPPING, E.STOP_ASKED): S.STOPPING,
    (S.ORPHANED, E.STOP_ASKED): S.ORPHANED,
    (S.GHOST, E.STOP_ASKED): S.GHOST,
    (S.ONGOING, E.ENDED_NORMALLY): S.COMPLETED,
    (S.STOPPING, E.ENDED_NORMALLY): S.COMPLETED,
    (S.GHOST, E.ENDED_NORMALLY): S.COMPLETED,
    (S.ORPHANED, E.ENDED_NORMALLY): S.TERMINATED,
    (S.ONGOING, E.ENDED_OTHERWISE): S.TERMINATED,
    (S.STOPPING, E.ENDED_OTHERWISE): S.TERMINATED,
    (S.GHOST, E.ENDED_OTHERWISE): S.TERMINATED,
    (S.ORPHANED, E.ENDED_OTHERWISE): S.TERMINATED,
    (S.ONGOING, E.SUPERSEDED): S.GHOST,
    (S.STOPPING, E.SUPERSEDED): S.GHOST,
    (S.ONGOING, E.GHOST_EVIDENCE): S.GHOST,
    (S.STOPPING, E.GHOST_EVIDENCE): S.GHOST,
    (S.GHOST, E.SIGN_OF_LIFE): S.ONGOING,
    (S.GHOST, E.INVESTIGATION_DEADLINE): S.TERMINATED,
    (S.ORPHANED, E.INVESTIGATION_DEADLINE): S.TERMINATED,
    (S.PENDING, E.FORCED): S.FAILED,
    (S.STARTING, E.FORCED): S.FAILED,
    (S.ONGOING, E.FORCED): S.TERMINATED,
    (S.STOPPING, E.FORCED): S.TERMINATED,
    (S.ORPHANED, E.FORCED): S.TERMINATED,
    (S.GHOST, E.FORCED): S.TERMINATED,
}


@pytest.mark.parametrize("event", list(Event))
@pytest.mark.parametrize("state", list(State))
def test_every_event_in_every_state_is_decided(state: State, event: Event) -> None:
    assert next_state(state, event) == MOVES.get((state, event))


def test_what_is_over_stays_over_but_for_a_late_start() -> None:
    leaving = {(s, e) for s in TERMINAL for e in Event if next_state(s, e) is not None}
    assert leaving == {(State.FAILED, Event.STARTED)}


def test_every_open_state_has_a_way_out() -> None:
    assert all(any(next_state(s, e) in TERMINAL for e in Event) for s in OPEN)


def test_the_sets_of_states_cover_each_other() -> None:
    assert set(State) == OPEN | TERMINAL
    assert LIVE | DELIVERING == OPEN


@pytest.mark.parametrize("reason", ["", "Local", "Remote", "EVDisconnected"])
def test_a_driver_ends_a_charge_normally(reason: str) -> None:
    assert ending(reason) is Event.ENDED_NORMALLY


@pytest.mark.parametrize(
    "reason",
    [
        "PowerLoss",
        "EmergencyStop",
        "HardReset",
        "SoftReset",
        "Reboot",
        "DeAuthorized",
        "UnlockCommand",
        "Other",
        "?",
    ],
)
def test_anything_else_terminates_it(reason: str) -> None:
    assert ending(reason) is Event.ENDED_OTHERWISE
