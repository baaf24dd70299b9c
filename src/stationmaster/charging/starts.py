"""Start a charge from an app or a desk: money set apart, a session to watch, a command to the station.

The station's answer, or its silence, comes back later and moves the session on: `answered`,
`expire`.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from stationmaster.charging import facts, payers, settlement, store, terms, transaction_store
from stationmaster.charging.model import (
    DEFAULT_POLICY,
    ChargingPolicy,
    Ending,
    Payer,
    PayerKind,
    Session,
    State,
)
from stationmaster.charging.rules.may_start import Situation, may_start
from stationmaster.charging.rules.next_state import Event, next_state
from stationmaster.charging.terms import Frozen
from stationmaster.contracts.commands import CommandOutcome
from stationmaster.infra.db.database import UnitOfWork
from stationmaster.infra.db.errors import Duplicate
from stationmaster.kernel.errors import NotFound, Refused
from stationmaster.kernel.ids import IdSource
from stationmaster.stations import commands, registry
from stationmaster.stations.model import Station
from stationmaster.wallet import holds

TOKEN_CHARACTERS = 16
"""80 random bits, in an idTag of at most 20 characters (OCPP 1.6, 7.28)."""


@dataclass(frozen=True, slots=True)
class Requested:
    """A start that is on its way: watch the session; the command is its request to the station."""

    session: Session
    command_id: str


async def begin(uow: UnitOfWork, **asked: Any) -> Session:
    """`request`, for those who watch the session only."""
    return (await request(uow, **asked)).session


async def request(
    uow: UnitOfWork,
    *,
    station_id: str,
    connector_id: int,
    payer: Payer,
    amount_minor: int | None,
    limit_energy_wh: int | None = None,
    actor: str,
    started_by: str,
    organisation_id: str | None = None,
    now: datetime,
    ids: IdSource,
    policy: ChargingPolicy = DEFAULT_POLICY,
) -> Requested:
    """A PENDING session. ``organisation_id``: of the operator who asks; None sees every station.

    Raises NotFound, Refused (busy, offline, no tariff), InsufficientFunds, Invalid; then nothing was written.
    """
    station = await registry.get(uow, station_id, organisation_id=organisation_id)
    frozen = await terms.of_station(uow, station, payer=payer, at=now)
    situation = await _situation(
        uow, station, connector_id, frozen, amount_minor=amount_minor, limit_energy_wh=limit_energy_wh
    )
    if (refusal := may_start(situation, payer, policy)) is not None:
        raise refusal
    if not await payers.can_book(uow, payer, station, frozen.currency):
        raise Refused("currency_mismatch", f"The payer has no account in {frozen.currency}.")
    token = ids.token(TOKEN_CHARACTERS)
    held = amount_minor if payer.kind is PayerKind.WALLET and amount_minor else 0
    session = Session(
        id=ids.new("ses"),
        organisation_id=station.organisation_id,
        station_id=station_id,
        connector_id=connector_id,
        driver_id=payer.driver_id,
        payer_kind=payer.kind.value,
        payer_organisation_id=_paying_organisation(payer, station),
        payer_reason=payer.reason,
        started_by=started_by,
        actor=actor,
        id_token=token,
        one_time_token=token,
        state=State.PENDING,
        tariff_version_id=frozen.tariff_version_id,
        price_minor_per_kwh=frozen.price_minor_per_kwh,
        tax_bps=frozen.tax_bps,
        fee_bps=frozen.fee_bps,
        currency=frozen.currency,
        hold_amount_minor=held,
        hold_generation=1 if held else 0,
        limit_energy_wh=limit_energy_wh,
        created_at=now,
        # Should even the command's outcome be lost, this ends the waiting.
        start_deadline_at=now + timedelta(seconds=policy.start_deadline_s),
        version=1,
    )
    try:
        await store.insert_session(uow, session)
    except Duplicate as rival:
        raise Refused("connector_busy", "Somebody is already charging here.") from rival
    await _hold(uow, session, actor=actor, now=now, ids=ids, policy=policy)
    command_id = await _ask_station(uow, session, actor=actor, now=now, ids=ids, policy=policy)
    uow.announce(facts.session_updated(session, at=now))
    return Requested(session, command_id)


def _paying_organisation(payer: Payer, station: Station) -> str | None:
    if payer.kind is not PayerKind.ORGANISATION:
        return None
    return payer.organisation_id or station.organisation_id


async def _situation(
    uow: UnitOfWork,
    station: Station,
    connector_id: int,
    frozen: Frozen,
    *,
    amount_minor: int | None,
    limit_energy_wh: int | None,
) -> Situation:
    status = {c.connector_id: c.status for c in await registry.connectors(uow, station.station_id)}
    live = await store.live_on_connector(uow, station_id=station.station_id, connector_id=connector_id)
    transactions = await transaction_store.open_transactions(uow, station.station_id)
    return Situation(
        is_known=True,
        is_archived=station.archived_at is not None,
        is_online=station.is_online,
        has_connector=connector_id >= 1 and connector_id in status,
        connector_status=status.get(connector_id, "Unknown"),
        station_status=status.get(0, "Unknown"),
        has_live_session=live is not None,
        has_open_transaction=any(t.connector_id == connector_id for t in transactions),
        has_tariff=frozen.has_tariff,
        amount_minor=amount_minor,
        limit_energy_wh=limit_energy_wh,
    )


async def _hold(
    uow: UnitOfWork, session: Session, *, actor: str, now: datetime, ids: IdSource, policy: ChargingPolicy
) -> None:
    if not session.hold_generation:
        return
    assert session.driver_id is not None, "a wallet has a driver"
    await holds.place(
        uow,
        session_id=session.id,
        generation=session.hold_generation,
        driver_id=session.driver_id,
        amount_minor=session.hold_amount_minor,
        currency=session.currency,
        expires_at=now + timedelta(seconds=policy.hold_expires_s),
        actor=actor,
        now=now,
        ids=ids,
    )


async def _ask_station(
    uow: UnitOfWork, session: Session, *, actor: str, now: datetime, ids: IdSource, policy: ChargingPolicy
) -> str:
    asked = await commands.ask(
        uow,
        station_id=session.station_id,
        action="RemoteStartTransaction",
        payload={"connectorId": session.connector_id, "idTag": session.id_token},
        actor=actor,
        deadline_at=now + timedelta(seconds=policy.command_deadline_s),
        session_id=session.id,
        now=now,
        ids=ids,
    )
    return asked.id


async def answered(
    uow: UnitOfWork,
    *,
    session_id: str,
    outcome: CommandOutcome,
    now: datetime,
    ids: IdSource,
    policy: ChargingPolicy = DEFAULT_POLICY,
) -> Session | None:
    """The command's one outcome. Heard twice, or after the transaction began, it moves nothing."""
    session = await store.locked_session(uow, session_id)
    if session is None:
        return None
    if outcome.state != "accepted":
        return await _fail(uow, session, Event.START_FAILED, sub_reason=outcome.state, now=now, ids=ids)
    state = next_state(session.state, Event.START_ACCEPTED)
    if state is None:
        return session
    deadline = now + timedelta(seconds=policy.start_deadline_s)
    saved = await store.save_session(uow, session, replace(session, state=state, start_deadline_at=deadline))
    uow.announce(facts.start_accepted(saved, at=now))
    uow.announce(facts.session_updated(saved, at=now))
    return saved


async def expire(uow: UnitOfWork, *, session_id: str, now: datetime, ids: IdSource) -> Session:
    """Nobody plugged in, or nobody told us: the money goes back. Its token may still come late."""
    session = await store.locked_session(uow, session_id)
    if session is None:
        raise NotFound("session_unknown", "There is no such charging session.")
    if session.start_deadline_at is None or session.start_deadline_at > now:
        return session
    return await _fail(uow, session, Event.START_DEADLINE, sub_reason="timeout", now=now, ids=ids)


async def _fail(
    uow: UnitOfWork, session: Session, event: Event, *, sub_reason: str, now: datetime, ids: IdSource
) -> Session:
    state = next_state(session.state, event)
    if state is None:
        return session
    ending = Ending(state, ended_at=now, sub_reason=sub_reason)
    return await settlement.settle_locked(uow, session, ending=ending, now=now, ids=ids)
