"""Which session a start belongs to, and which transaction a nameless stop."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from stationmaster.charging.model import Session, State, Transaction
from stationmaster.charging.rules.fits import which_fits
from stationmaster.charging.rules.join import Joining, Way, join

T0 = datetime(2026, 1, 1, tzinfo=UTC)


def a_session(
    state: State, *, token: str | None = "MINE", connector: int = 1, station: str = "CP1"
) -> Session:
    return Session(
        id=f"{state}:{token}:{connector}",
        organisation_id="o",
        station_id=station,
        connector_id=connector,
        payer_kind="wallet",
        started_by="app",
        actor="a",
        id_token=token or "CARD",
        one_time_token=token,
        state=state,
        created_at=T0,
    )


def a_transaction(
    id_: int = 1, *, connector: int = 1, token: str = "CARD", minutes: float = 0
) -> Transaction:
    at = T0 + timedelta(minutes=minutes)
    return Transaction(
        id_, "CP1", connector, f"s{id_}", token, 1_000, at, at, f"f{id_}", "{}", None, None, None, None, None
    )


def joined(*sessions: Session, open_: tuple[Transaction, ...] = (), **more: Any) -> Joining:
    asked: dict[str, Any] = {
        "connector_id": 1,
        "id_token": "MINE",
        "station_id": "CP1",
        "started_at": T0 + timedelta(minutes=10),
        "is_late": False,
    }
    return join(**asked | more, sessions=sessions, open_transactions=open_)


@pytest.mark.parametrize("state", [State.PENDING, State.STARTING])
def test_the_session_that_waits(state: State) -> None:
    mine = a_session(state)
    assert joined(mine) == Joining(Way.OWN, mine)


def test_a_session_that_gave_up_waiting() -> None:
    mine = a_session(State.FAILED)
    rival = a_session(State.PENDING, token="OTHER")
    assert joined(mine, rival) == Joining(Way.OWN_LATE, mine, evicted=(rival,))


@pytest.mark.parametrize(
    "state", [State.ONGOING, State.STOPPING, State.COMPLETED, State.TERMINATED, State.GHOST]
)
def test_a_token_is_used_once(state: State) -> None:
    assert joined(a_session(state)) == Joining(Way.REFUSED, None)


def test_another_stations_token() -> None:
    assert joined(a_session(State.PENDING, station="CP2")).way is Way.REFUSED


def test_a_card() -> None:
    rival = a_session(State.STARTING, token="OTHER")
    assert joined(rival, id_token="CARD") == Joining(Way.STRANGER, None, evicted=(rival,))


def test_the_other_connector_is_taken_only_when_nobody_waits_there() -> None:
    mine, rival = a_session(State.PENDING, connector=2), a_session(State.PENDING, token="OTHER")
    assert joined(mine).way is Way.OWN
    assert joined(mine, rival) == Joining(Way.REFUSED, None)


def test_an_open_transaction_is_superseded_on_its_connector_only() -> None:
    here, there = a_transaction(1), a_transaction(2, connector=2)
    assert joined(open_=(here, there)).superseded == (here,)


def test_a_late_start_does_not_supersede_what_came_after_it() -> None:
    newer = a_transaction(1, minutes=20)
    late = joined(open_=(newer,), is_late=True)
    assert (late.is_history, late.superseded) == (True, ())
    assert joined(open_=(newer,)).superseded == (newer,), "in order, whatever the clock says"


def fits(
    *open_: Transaction, id_: int = -1, token: str | None = None, minutes: float = 5, wh: int | None = 2_000
) -> Any:
    return which_fits(
        open_,
        transaction_id=id_,
        id_token=token,
        stopped_at=T0 + timedelta(minutes=minutes),
        meter_stop_wh=wh,
    )


def test_exactly_one_fits() -> None:
    one, two = a_transaction(1), a_transaction(2, token="ELSE", connector=2)
    assert fits(one) == one
    assert fits(one, two) is None
    assert fits(one, two, token="card") == one
    assert fits() is None


def test_what_does_not_fit() -> None:
    one = a_transaction(1)
    assert fits(one, token="ELSE") is None
    assert fits(one, minutes=-1) is None
    assert fits(one, wh=999) is None
    assert fits(replace(one, meter_start_wh=None), wh=1) is not None


def test_a_made_up_id_needs_the_token() -> None:
    one = a_transaction(1)
    assert fits(one, id_=77) is None
    assert fits(one, id_=77, token="CARD") == one
