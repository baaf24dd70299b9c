"""May the holders of these idTokens charge? For a station that asks before it starts anything."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from stationmaster.charging import payers, store
from stationmaster.charging.model import DEFAULT_POLICY, ChargingPolicy, PayerKind, Session, State, Verdict
from stationmaster.charging.rules.authorise import authorise
from stationmaster.identity import id_tokens
from stationmaster.identity.model import IdToken
from stationmaster.identity.rules.id_token import normal
from stationmaster.infra.db.database import Reader
from stationmaster.stations import registry


@dataclass(frozen=True, slots=True)
class Asked:
    station_id: str
    id_token: str


@dataclass(frozen=True, slots=True)
class Decided:
    """``may_be_remembered``: a gateway may accept this token while nobody can be asked. Never a wallet's: what is
    in it cannot be known then (architecture 3.4)."""

    verdict: Verdict
    may_be_remembered: bool = False


async def decide_all(
    reader: Reader, asked: Sequence[Asked], *, now: datetime, policy: ChargingPolicy = DEFAULT_POLICY
) -> list[Decided]:
    """One verdict per question, in their order. Nothing is held yet: the start does that."""
    wanted = {normal(one.id_token) for one in asked}
    own = await store.sessions_by_one_time_tokens(reader, wanted)
    cards = await id_tokens.find_many(reader, wanted - own.keys())
    return [
        Decided(_of_session(own[token], one.station_id))
        if (token := normal(one.id_token)) in own
        else await _of_card(reader, cards.get(token), one.station_id, now=now, policy=policy)
        for one in asked
    ]


def _of_session(session: Session, station_id: str) -> Verdict:
    """A one-time token opens its own station, until its session is over."""
    is_alive = session.state in {State.PENDING, State.STARTING, State.ONGOING, State.STOPPING}
    return Verdict.ACCEPTED if is_alive and session.station_id == station_id else Verdict.INVALID


async def _of_card(
    reader: Reader, token: IdToken | None, station_id: str, *, now: datetime, policy: ChargingPolicy
) -> Decided:
    station = await registry.find(reader, station_id) if token is not None else None
    if token is None or station is None:
        return Decided(Verdict.INVALID)
    verdict = authorise(
        payers.known(token, station),
        now=now,
        spendable_minor=await payers.spendable_minor(reader, token),
        needed_minor=policy.min_hold_minor,
        # Stations ask again to stop, and two connectors look alike here: only a start can tell.
        is_charging_elsewhere=False,
    )
    if verdict is Verdict.ACCEPTED and await payers.unpayable(reader, token, station, at=now, now=now):
        verdict = Verdict.BLOCKED
    return Decided(verdict, verdict is Verdict.ACCEPTED and token.payer_kind != PayerKind.WALLET)
