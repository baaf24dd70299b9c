"""Which session does a StartTransaction belong to, and who has to make room for it? (reliability 5.2, 5.4)"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from stationmaster.charging.model import Session, State, Transaction

WAITING = frozenset({State.PENDING, State.STARTING})


class Way(StrEnum):
    OWN = "own"  # the session that waits for this token
    OWN_LATE = "own_late"  # its session gave up waiting: the energy flows all the same
    STRANGER = "stranger"  # a card, or something nobody knows: ask who pays
    REFUSED = "refused"  # a one-time token that may not be used here (any more)


@dataclass(frozen=True, slots=True)
class Joining:
    """``superseded``: transactions whose end was not seen; ``evicted``: sessions that waited for this
    connector. ``is_history``: a newer transaction runs here, so this one's end was not seen either."""

    way: Way
    session: Session | None
    superseded: tuple[Transaction, ...] = ()
    evicted: tuple[Session, ...] = ()
    is_history: bool = False


def join(
    *,
    connector_id: int,
    id_token: str,
    station_id: str,
    started_at: datetime,
    is_late: bool,
    sessions: Sequence[Session],
    open_transactions: Sequence[Transaction],
) -> Joining:
    """``sessions``: the station's open ones and the token's own, wherever that is."""
    here = [t for t in open_transactions if t.connector_id == connector_id]
    if is_late and any(t.started_at > started_at for t in here):
        own = _own(sessions, id_token, station_id)
        return Joining(_way(own), own, is_history=True)
    own = _own(sessions, id_token, station_id)
    others = [
        s for s in sessions if s is not own and s.station_id == station_id and s.connector_id == connector_id
    ]
    waiting = tuple(s for s in others if s.state in WAITING)
    way = _way(own)
    if own is None and any(s.one_time_token == id_token for s in sessions):
        way = Way.REFUSED  # Another station's token: no cross-use.
    if way is Way.OWN and waiting:
        # Its driver plugged in where somebody else is expected: that somebody keeps the connector.
        way = Way.REFUSED
    if way is Way.REFUSED:
        return Joining(way, None, superseded=tuple(here))
    return Joining(way, own, superseded=tuple(here), evicted=waiting)


def _own(sessions: Sequence[Session], id_token: str, station_id: str) -> Session | None:
    return next((s for s in sessions if s.one_time_token == id_token and s.station_id == station_id), None)


def _way(own: Session | None) -> Way:
    if own is None:
        return Way.STRANGER
    if own.state in WAITING:
        return Way.OWN
    return Way.OWN_LATE if own.state is State.FAILED else Way.REFUSED
