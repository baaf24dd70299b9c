"""A station says that a transaction has ended: settle it, once, whatever else it says about it.

The gateway has answered already, as it must (OCPP 1.6, 4.10: a stop can neither be refused nor prevented).
What fits no transaction of that station changes nothing and is kept for a person, or for a start that is
still on its way.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from stationmaster.charging import facts, samples, settlement, store, transaction_store
from stationmaster.charging.model import (
    Ending,
    MeterReading,
    Session,
    State,
    Stop,
    Transaction,
)
from stationmaster.charging.rules.fits import which_fits
from stationmaster.charging.rules.next_state import Event, ending, next_state
from stationmaster.charging.rules.trusted_energy import SLACK_WH, TrustedEnergy, trusted_energy
from stationmaster.infra.db.database import UnitOfWork
from stationmaster.kernel.ids import IdSource
from stationmaster.stations import registry


async def stop(uow: UnitOfWork, stops: Sequence[Stop], *, now: datetime, ids: IdSource) -> None:
    """In order. Sessions are locked for the whole batch at once, ascending."""
    found = await transaction_store.transactions(uow, [s.transaction_id for s in stops])
    sessions = await store.locked_sessions(uow, {t.session_id for t in found.values()})
    for one in stops:
        known = found.get(one.transaction_id)
        if known is None and (bound := await _bind(uow, one)) is not None:
            found[one.transaction_id] = known = bound
            sessions |= await store.locked_sessions(uow, [bound.session_id])
        if known is None or known.station_id != one.station_id:
            await _keep(uow, one, foreign=known is not None, now=now)
            continue
        if known.stopped_at is not None:
            await _repeated(uow, one, known)
            continue
        ended = await _end(uow, one, known)
        found.update({id_: ended for id_, t in found.items() if t.transaction_id == ended.transaction_id})
        sessions[ended.session_id] = await _settle(
            uow, one, ended, sessions[ended.session_id], now=now, ids=ids
        )


async def _bind(uow: UnitOfWork, one: Stop) -> Transaction | None:
    """A stop without a known id, where exactly one open transaction of its station fits."""
    return which_fits(
        await transaction_store.open_transactions(uow, one.station_id),
        transaction_id=one.transaction_id,
        id_token=one.id_token,
        stopped_at=one.device_at or one.received_at,
        meter_stop_wh=one.meter_stop_wh,
    )


async def _keep(uow: UnitOfWork, one: Stop, *, foreign: bool, now: datetime) -> None:
    """Another station's transaction is a security matter; either way nothing is stopped."""
    await transaction_store.insert_unmatched_stops(uow, [_kept(one)])
    organisations = await registry.organisations_of(uow, {one.station_id})
    uow.announce(
        facts.station_error(
            id_=f"unmatched_stop:{one.station_id}:{one.epoch}:{one.seq}",
            station_id=one.station_id,
            organisation_id=organisations.get(one.station_id),
            at=now,
            code="foreign_transaction" if foreign else "unmatched_stop",
            message="A stop names a transaction that is not this station's."
            if foreign
            else "A stop fits no transaction that we know.",
            transactionId=one.transaction_id,
        )
    )


def _kept(one: Stop, *, session_id: str | None = None) -> dict[str, object]:
    return {
        "station_id": one.station_id,
        "transaction_id": one.transaction_id,
        "payload": one.payload,
        "epoch": one.epoch,
        "seq": one.seq,
        "received_at": one.received_at,
        "matched_session_id": session_id,
    }


async def _repeated(uow: UnitOfWork, one: Stop, known: Transaction) -> None:
    """The same stop again is nothing new. A different one for an ended transaction is evidence: kept,
    with its session, for whoever corrects what was settled provisionally."""
    if one.fingerprint != known.stop_fingerprint:
        await transaction_store.insert_unmatched_stops(uow, [_kept(one, session_id=known.session_id)])


async def _end(uow: UnitOfWork, one: Stop, known: Transaction) -> Transaction:
    stopped_at = one.device_at or one.received_at
    await transaction_store.end_transaction(
        uow,
        known.transaction_id,
        stopped_at=stopped_at,
        meter_stop_wh=one.meter_stop_wh,
        reason=one.reason,
        id_token=one.id_token,
        fingerprint=one.fingerprint,
    )
    return replace(
        known,
        stopped_at=stopped_at,
        meter_stop_wh=one.meter_stop_wh,
        stop_reason=one.reason,
        stop_fingerprint=one.fingerprint,
    )


async def _settle(
    uow: UnitOfWork,
    one: Stop,
    ended: Transaction,
    session: Session,
    *,
    now: datetime,
    ids: IdSource,
) -> Session:
    rows = samples.rows_of(
        one.values,
        station_id=one.station_id,
        connector_id=ended.connector_id,
        transaction_id=ended.transaction_id,
        session_id=ended.session_id,
        epoch=one.epoch,
        seq=one.seq,
    )
    await transaction_store.insert_samples(uow, rows)
    state = next_state(session.state, ending(one.reason))
    if state is None:  # Settled before, without its stop.
        await transaction_store.insert_unmatched_stops(uow, [_kept(one, session_id=session.id)])
        return session
    energy = await _energy(uow, one, ended, session)
    end = Ending(
        state,
        ended_at=ended.stopped_at or one.received_at,
        energy_wh=energy.energy_wh,
        stop_reason=one.reason,
        meter_stop_wh=one.meter_stop_wh,
        suspect_reasons=_doubts(session, energy),
    )
    return await settlement.settle_locked(uow, session, ending=end, now=now, ids=ids)


async def _energy(uow: UnitOfWork, one: Stop, ended: Transaction, session: Session) -> TrustedEnergy:
    station = await registry.get(uow, one.station_id)
    clean = trusted_energy(
        meter_start_wh=session.meter_start_wh,
        meter_stop_wh=one.meter_stop_wh,
        readings=[value.reading for value in one.values],
        last_trusted_wh=session.energy_wh,
        duration_s=_duration(one, ended).total_seconds(),
        power_w_max=station.max_power_w,
    )
    if not clean.is_suspect:
        return clean
    # The registers cannot be believed: look at everything the meter ever told about this session.
    told = [
        MeterReading(row.sampled_at, row.energy_wh)
        for row in await transaction_store.samples_of(uow, session.id)
    ]
    marked = [value.reading for value in one.values if value.reading.context.startswith("Transaction.")]
    return trusted_energy(
        meter_start_wh=session.meter_start_wh,
        meter_stop_wh=one.meter_stop_wh,
        readings=[*marked, *told],
        last_trusted_wh=session.energy_wh,
        duration_s=_duration(one, ended).total_seconds(),
        power_w_max=station.max_power_w,
    )


def _duration(one: Stop, ended: Transaction) -> timedelta:
    """By the station's own clock, unless it ran backwards between start and stop."""
    by_device = (one.device_at or one.received_at) - ended.started_at
    return by_device if by_device > timedelta(0) else max(one.received_at - ended.received_at, timedelta(0))


def _doubts(session: Session, energy: TrustedEnergy) -> list[str]:
    """A meter that misbehaved on the way is forgiven when the registers agree with what was counted."""
    doubts = [f"energy_from_{energy.source}"] if energy.is_suspect else []
    if session.is_suspect and abs(energy.energy_wh - session.energy_wh) > SLACK_WH:
        doubts.append(session.suspect_reason or "meter")
    return doubts


async def end_unseen(uow: UnitOfWork, transaction: Transaction, *, now: datetime, ids: IdSource) -> None:
    """The station began another transaction on the connector: this one ended, and nobody saw it. Its
    session goes through GHOST with its deadline now: settled on what the meter last told,
    provisionally."""
    await transaction_store.end_transaction(
        uow,
        transaction.transaction_id,
        stopped_at=now,
        meter_stop_wh=None,
        reason=Event.SUPERSEDED.value,
        id_token=None,
        fingerprint=None,
    )
    session = await store.locked_session(uow, transaction.session_id)
    if session is None or session.state.is_terminal:
        return
    ghost = next_state(session.state, Event.SUPERSEDED) or session.state
    state = next_state(ghost, Event.INVESTIGATION_DEADLINE)
    assert state is State.TERMINATED, session.state
    end = Ending(
        state,
        ended_at=session.meter_last_at or session.started_at or now,
        energy_wh=session.energy_wh,
        sub_reason=Event.SUPERSEDED.value,
        meter_stop_wh=session.meter_last_wh,
        is_provisional=True,
        suspect_reasons=["stop_not_seen"],
    )
    await settlement.settle_locked(uow, session, ending=end, now=now, ids=ids)
