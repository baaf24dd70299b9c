"""Ask a station to end a session's transaction: the one way, for drivers, operators and limits alike."""

from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from stationmaster.charging import facts, settlement, store
from stationmaster.charging.model import DEFAULT_POLICY, ChargingPolicy, Ending, Session, State
from stationmaster.charging.rules.next_state import Event, next_state
from stationmaster.contracts.commands import CommandOutcome
from stationmaster.infra.db.database import UnitOfWork
from stationmaster.kernel.errors import NotFound, Refused
from stationmaster.kernel.ids import IdSource
from stationmaster.stations import commands

log = structlog.get_logger()

LIMIT = "limit"
"""The actor of a stop that the session's own limit asked for."""


async def ask(
    uow: UnitOfWork,
    *,
    session_id: str,
    actor: str,
    now: datetime,
    ids: IdSource,
    policy: ChargingPolicy = DEFAULT_POLICY,
    why: str = "",
) -> Session:
    """Raises NotFound. Asking again, or for a session that has ended, changes nothing and is no error."""
    session = await store.locked_session(uow, session_id)
    if session is None:
        raise NotFound("session_unknown", "There is no such charging session.")
    return await ask_locked(uow, session, actor=actor, now=now, ids=ids, policy=policy, why=why)


async def ask_locked(
    uow: UnitOfWork,
    session: Session,
    *,
    actor: str,
    now: datetime,
    ids: IdSource,
    policy: ChargingPolicy = DEFAULT_POLICY,
    why: str = "",
) -> Session:
    """The same, for a caller who holds the session's lock and its fresh row."""
    if next_state(session.state, Event.CANCELLED) is State.FAILED:
        ending = Ending(State.FAILED, ended_at=now, sub_reason="cancelled")
        return await settlement.settle_locked(uow, session, ending=ending, now=now, ids=ids)
    state = next_state(session.state, Event.STOP_ASKED)
    if state is None or session.state is State.STOPPING or session.transaction_id is None:
        return session
    if not await _send(uow, session, actor=actor, now=now, ids=ids, policy=policy):
        return session
    asked = replace(
        session,
        state=state,
        sub_reason=why or session.sub_reason,
        stop_requested_at=now,
        stop_attempts=session.stop_attempts + 1,
    )
    saved = await store.save_session(uow, session, asked)
    uow.announce(facts.session_updated(saved, at=now, stopAskedBy=actor))
    return saved


async def _send(
    uow: UnitOfWork, session: Session, *, actor: str, now: datetime, ids: IdSource, policy: ChargingPolicy
) -> bool:
    """False: the station is gone for good. A batch of frames must not fail over that."""
    try:
        await commands.ask(
            uow,
            station_id=session.station_id,
            action="RemoteStopTransaction",
            payload={"transactionId": session.transaction_id},
            actor=actor,
            deadline_at=now + timedelta(seconds=policy.stop_deadline_s),
            session_id=session.id,
            now=now,
            ids=ids,
        )
    except Refused as refused:
        log.warning("stop.not_asked", session=session.id, station=session.station_id, code=refused.code)
        return False
    return True


async def ask_again(
    uow: UnitOfWork, *, session_id: str, now: datetime, ids: IdSource, policy: ChargingPolicy = DEFAULT_POLICY
) -> Session | None:
    """The station has not stopped: ask once more, and after the last time tell a person, once."""
    session = await store.locked_session(uow, session_id)
    due = now - timedelta(seconds=policy.stop_resend_s)
    if session is None or session.state is not State.STOPPING:
        return None
    if session.stop_requested_at is None or session.stop_requested_at > due:
        return None
    if session.stop_attempts > policy.stop_attempts_max:
        return None
    has_tries_left = session.stop_attempts < policy.stop_attempts_max
    if has_tries_left:
        await _send(uow, session, actor="system:stop_retries", now=now, ids=ids, policy=policy)
    saved = await store.save_session(
        uow, session, replace(session, stop_requested_at=now, stop_attempts=session.stop_attempts + 1)
    )
    if not has_tries_left:
        uow.announce(
            facts.error_occurred(
                saved,
                at=now,
                code="stop_unanswered",
                message=f"The station did not stop after {policy.stop_attempts_max} requests.",
            )
        )
    return saved


async def answered(uow: UnitOfWork, *, session_id: str, outcome: CommandOutcome, now: datetime) -> None:
    """What the station said to being asked. The stop itself is its StopTransaction, never this."""
    session = await store.find_session(uow, session_id)
    if session is None:
        return
    if outcome.state == "accepted":
        uow.announce(facts.stop_accepted(session, at=now, id_=outcome.command_id))
        return
    uow.announce(
        facts.error_occurred(
            session,
            at=now,
            code=f"stop_{outcome.state}",
            message=outcome.error or outcome.status or "The station did not agree to stop.",
        )
    )
