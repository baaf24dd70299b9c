"""Turn a session's end into money: the one function every ending goes through.

It may be called any number of times, by anybody, in any order: the first call settles, the others return
what it did (key ``settle:<session>``). A session that never began settles too: it costs nothing and its
hold returns.
"""

from dataclasses import replace
from datetime import datetime

from stationmaster.charging import facts, store
from stationmaster.charging.model import Ending, PayerKind, Session, State
from stationmaster.charging.rules.settle import Settlement, Shares
from stationmaster.charging.rules.settle import settle as divide
from stationmaster.infra.db.database import UnitOfWork
from stationmaster.kernel.errors import NotFound
from stationmaster.kernel.ids import IdSource
from stationmaster.tariffs.model import TariffTerms, Usage
from stationmaster.tariffs.rules.price import price
from stationmaster.wallet import holds, organisation_pays
from stationmaster.wallet.model import Split

ACTOR = "system:settlement"


async def settle(
    uow: UnitOfWork, *, session_id: str, ending: Ending, now: datetime, ids: IdSource
) -> Session:
    """Raises NotFound. Locks the session; returns it terminal."""
    session = await store.locked_session(uow, session_id)
    if session is None:
        raise NotFound("session_unknown", "There is no such charging session.")
    return await settle_locked(uow, session, ending=ending, now=now, ids=ids)


async def settle_locked(
    uow: UnitOfWork, session: Session, *, ending: Ending, now: datetime, ids: IdSource
) -> Session:
    """The same, for a caller who holds the session's lock and its fresh row."""
    assert ending.state.is_terminal, ending.state
    if session.state.is_terminal:
        return session
    result = divided(session, ending.energy_wh)
    await _book(uow, session, result, now=now, ids=ids)
    settled = await store.save_session(uow, session, _settled(session, ending, result, now=now))
    _announce(uow, settled, now=now)
    return settled


def divided(session: Session, energy_wh: int) -> Settlement:
    """The price of so much energy by the session's frozen terms, divided. A free charge has no price; an
    orphan has no payer, and no driver is guessed."""
    terms = TariffTerms(session.price_minor_per_kwh, session.tax_bps, session.currency)
    is_paid = session.payer_kind in {PayerKind.WALLET, PayerKind.ORGANISATION}
    cost = price(terms, Usage(energy_wh if is_paid else 0))
    # An organisation has no hold; what it owes it pays in full.
    held = session.held_minor if session.payer_kind == PayerKind.WALLET else cost.total_minor
    return divide(
        net_minor=cost.net_minor, tax_minor=cost.tax_minor, fee_bps=session.fee_bps, held_minor=held
    )


async def _book(
    uow: UnitOfWork, session: Session, result: Settlement, *, now: datetime, ids: IdSource
) -> None:
    if session.payer_kind == PayerKind.WALLET and (session.hold_generation or result.shares.total_minor):
        assert session.driver_id is not None, "a wallet has a driver"
        await holds.settle(
            uow,
            session_id=session.id,
            generation=session.hold_generation,
            driver_id=session.driver_id,
            organisation_id=session.organisation_id,
            currency=session.currency,
            capture=_split(result.captured),
            overrun=_split(result.overrun) if result.overrun.total_minor else None,
            actor=ACTOR,
            now=now,
            ids=ids,
        )
    elif session.payer_kind == PayerKind.ORGANISATION and result.shares.total_minor:
        await organisation_pays.settle(
            uow,
            session_id=session.id,
            payer_organisation_id=session.payer_organisation_id or session.organisation_id,
            organisation_id=session.organisation_id,
            currency=session.currency,
            split=_split(result.shares),
            actor=ACTOR,
            now=now,
            ids=ids,
        )


def _split(shares: Shares) -> Split:
    return Split(shares.organisation_minor, shares.fee_minor, shares.tax_minor)


def _settled(session: Session, ending: Ending, result: Settlement, *, now: datetime) -> Session:
    ended_at = ending.ended_at if session.started_at is None else max(ending.ended_at, session.started_at)
    return replace(
        session,
        state=ending.state,
        sub_reason=ending.sub_reason or session.sub_reason,
        energy_wh=ending.energy_wh,
        meter_stop_wh=ending.meter_stop_wh,
        power_w=None,
        cost_minor=result.shares.total_minor,
        captured_minor=result.captured.total_minor,
        overrun_minor=result.overrun.total_minor,
        released_minor=result.released_minor,
        fee_minor=result.shares.fee_minor,
        organisation_minor=result.shares.organisation_minor,
        tax_minor=result.shares.tax_minor,
        is_suspect=bool(ending.suspect_reasons),
        suspect_reason=",".join(ending.suspect_reasons),
        is_provisional=ending.is_provisional,
        stop_reason=ending.stop_reason,
        ended_at=ended_at,
        settled_at=now,
    )


def _announce(uow: UnitOfWork, session: Session, *, now: datetime) -> None:
    uow.announce(facts.session_updated(session, at=now))
    if session.state is State.FAILED:
        message = f"The charge did not begin: {session.sub_reason or 'failed'}."
        code = f"start_{session.sub_reason or 'failed'}"
        uow.announce(facts.error_occurred(session, at=now, code=code, message=message))
        return
    uow.announce(facts.charging_stopped(session, at=now))
    uow.announce(facts.transaction_completed(session, at=now))
