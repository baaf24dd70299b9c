"""A transaction has begun: which session carries it from now on, and is there money behind it?"""

from dataclasses import dataclass, replace
from datetime import datetime

from stationmaster.charging import payers, terms
from stationmaster.charging.model import ChargingPolicy, Payer, PayerKind, Session, Start, State, Verdict
from stationmaster.charging.payers import SYSTEM, Found
from stationmaster.charging.rules.join import Joining, Way
from stationmaster.charging.rules.next_state import Event, next_state
from stationmaster.infra.db.database import UnitOfWork
from stationmaster.kernel.ids import IdSource
from stationmaster.stations import registry
from stationmaster.stations.model import Station

UNFUNDED = "unfunded"


@dataclass(frozen=True, slots=True)
class Funded:
    """``before``: the stored session that becomes ``session``; None: it is new."""

    before: Session | None
    session: Session
    verdict: Verdict
    why: str = ""

    @property
    def is_unfunded(self) -> bool:
        """Its driver is known, the money is not there: what flows is charged as overrun."""
        return self.why == UNFUNDED


async def fund(
    uow: UnitOfWork,
    start: Start,
    joining: Joining,
    *,
    transaction_id: int,
    now: datetime,
    ids: IdSource,
    policy: ChargingPolicy,
) -> Funded:
    """The session that waited for it, or a new one with the card's payer."""
    match joining.way:
        case Way.OWN:
            assert joining.session is not None
            begun = _begun(joining.session, start, joining, transaction_id=transaction_id)
            return Funded(joining.session, begun, Verdict.ACCEPTED)
        case Way.OWN_LATE:
            assert joining.session is not None
            begun = _begun(joining.session, start, joining, transaction_id=transaction_id)
            return await _hold_again(uow, joining.session, begun, now=now, ids=ids, policy=policy)
        case Way.STRANGER:
            return await _by_card(
                uow, start, joining, transaction_id=transaction_id, now=now, ids=ids, policy=policy
            )
        case Way.REFUSED:
            found = Found(Verdict.INVALID, Payer.nobody("one_time_token_refused"))
            station = await registry.get(uow, start.station_id)
            session = await _new(
                uow, start, joining, found, station=station, transaction_id=transaction_id, now=now, ids=ids
            )
            return Funded(None, session, Verdict.INVALID)


def _begun(session: Session, start: Start, joining: Joining, *, transaction_id: int) -> Session:
    """What a start makes of a session, whoever it belongs to."""
    started_at = start.device_at or start.received_at
    state = next_state(session.state, Event.STARTED)
    assert state is State.ONGOING, session.state
    flags = [*start.flags, *(["started_elsewhere"] if session.connector_id != start.connector_id else [])]
    return replace(
        session,
        # A newer transaction runs on this connector: this one ended unseen, its stop may still come.
        state=State.GHOST if joining.is_history else state,
        sub_reason=Event.SUPERSEDED.value if joining.is_history else "",
        connector_id=start.connector_id,
        transaction_id=transaction_id,
        meter_start_wh=start.meter_start_wh,
        meter_last_wh=start.meter_start_wh,
        meter_last_at=started_at,
        started_at=started_at,
        start_deadline_at=None,
        ended_at=None,
        settled_at=None,
        is_suspect=session.is_suspect or bool(start.flags),
        suspect_reason=",".join(flags),
    )


async def _hold_again(
    uow: UnitOfWork, before: Session, begun: Session, *, now: datetime, ids: IdSource, policy: ChargingPolicy
) -> Funded:
    """The first hold went back when we gave up waiting. A driver who cancelled does not agree a second
    time."""
    if before.payer_kind != PayerKind.WALLET:
        return Funded(before, begun, Verdict.ACCEPTED)
    assert before.driver_id is not None, "a wallet has a driver"
    generation = before.hold_generation + 1
    is_held = before.sub_reason != Event.CANCELLED.value and await payers.try_hold(
        uow,
        session_id=before.id,
        generation=generation,
        driver_id=before.driver_id,
        amount_minor=before.hold_amount_minor,
        currency=before.currency,
        now=now,
        ids=ids,
        policy=policy,
    )
    again = replace(begun, captured_minor=0, released_minor=0)
    if is_held:
        return Funded(before, replace(again, hold_generation=generation), Verdict.ACCEPTED)
    return Funded(before, _unfunded(again), Verdict.BLOCKED, why=UNFUNDED)


def _unfunded(session: Session) -> Session:
    return replace(session, hold_generation=0, hold_amount_minor=0, sub_reason=UNFUNDED)


async def _by_card(
    uow: UnitOfWork,
    start: Start,
    joining: Joining,
    *,
    transaction_id: int,
    now: datetime,
    ids: IdSource,
    policy: ChargingPolicy,
) -> Funded:
    station = await registry.get(uow, start.station_id)
    found = await payers.of_token(
        uow,
        start.id_token,
        station=station,
        connector_id=start.connector_id,
        at=start.device_at or start.received_at,
        now=now,
        policy=policy,
    )
    session = await _new(
        uow, start, joining, found, station=station, transaction_id=transaction_id, now=now, ids=ids
    )
    if found.payer.kind is not PayerKind.WALLET:
        return Funded(None, session, found.verdict)
    assert found.payer.driver_id is not None, "a wallet has a driver"
    amount = min(policy.default_hold_minor, found.spendable_minor)
    is_held = found.verdict is Verdict.ACCEPTED and await payers.try_hold(
        uow,
        session_id=session.id,
        generation=1,
        driver_id=found.payer.driver_id,
        amount_minor=amount,
        currency=session.currency,
        now=now,
        ids=ids,
        policy=policy,
    )
    if is_held:
        held = replace(session, hold_generation=1, hold_amount_minor=amount)
        return Funded(None, held, Verdict.ACCEPTED)
    return Funded(None, _unfunded(session), Verdict.BLOCKED, why=UNFUNDED)


async def _new(
    uow: UnitOfWork,
    start: Start,
    joining: Joining,
    found: Found,
    *,
    station: Station,
    transaction_id: int,
    now: datetime,
    ids: IdSource,
) -> Session:
    """A session that began at the station; an orphan when nobody pays."""
    started_at = start.device_at or start.received_at
    frozen = found.frozen or await terms.of_start(uow, station, payer=found.payer, at=started_at, now=now)
    is_orphan = found.payer.kind is PayerKind.NOBODY
    state = State.ORPHANED if is_orphan else State.GHOST if joining.is_history else State.ONGOING
    return Session(
        id=ids.new("ses"),
        organisation_id=station.organisation_id,
        station_id=start.station_id,
        connector_id=start.connector_id,
        payer_kind=found.payer.kind.value,
        driver_id=found.payer.driver_id,
        payer_organisation_id=found.payer.organisation_id,
        payer_reason=found.payer.reason,
        started_by="rfid" if start.id_token else "station",
        actor=SYSTEM,
        id_token=start.id_token,
        state=state,
        sub_reason=found.payer.reason if is_orphan else "",
        tariff_version_id=frozen.tariff_version_id,
        price_minor_per_kwh=frozen.price_minor_per_kwh,
        tax_bps=frozen.tax_bps,
        fee_bps=frozen.fee_bps,
        currency=frozen.currency,
        transaction_id=transaction_id,
        meter_start_wh=start.meter_start_wh,
        meter_last_wh=start.meter_start_wh,
        meter_last_at=started_at,
        started_at=started_at,
        created_at=now,
        is_suspect=bool(start.flags),
        suspect_reason=",".join(start.flags),
    )
