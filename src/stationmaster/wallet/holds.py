"""Money set apart for a session: placed before the start, settled once after the end.

A hold is real entries (wallet to hold account), so whose money it is shows at every moment and what is
available is simply the wallet account (reliability 6.2).
"""

from datetime import datetime

from sqlalchemy import select, update

from stationmaster.infra.db.database import Reader, UnitOfWork
from stationmaster.infra.db.values import columns_of, row_of, value_of
from stationmaster.kernel.errors import InsufficientFunds, NotFound, Refused
from stationmaster.kernel.ids import IdSource
from stationmaster.wallet import ledger, wallets
from stationmaster.wallet.model import Hold, Posted, Posting, SettledHold, Split, Transfer
from stationmaster.wallet.rules import accounts
from stationmaster.wallet.rules.settlement import Charge
from stationmaster.wallet.rules.settlement import settle as divide
from stationmaster.wallet.tables import wallet_hold

_COLUMNS = columns_of(Hold, wallet_hold)


def hold_key(session_id: str, generation: int) -> str:
    return f"hold:{session_id}:{generation}"


def release_key(session_id: str, generation: int) -> str:
    return f"release:{session_id}:{generation}"


def settle_key(session_id: str) -> str:
    return f"settle:{session_id}"


async def place(
    uow: UnitOfWork,
    *,
    session_id: str,
    generation: int,
    driver_id: str,
    amount_minor: int,
    currency: str,
    expires_at: datetime,
    actor: str,
    now: datetime,
    ids: IdSource,
) -> Hold:
    """Wallet to hold. Raises InsufficientFunds, and then nothing was written: the unit of work may go on.

    Placing the same hold again returns the first one.
    """
    wallet, hold = accounts.wallet(driver_id), accounts.hold(driver_id)
    posting = Posting(
        kind="hold",
        key=hold_key(session_id, generation),
        transfers=[Transfer(wallet, hold, amount_minor, currency)],
        actor=actor,
        session_id=session_id,
        reference_id=session_id,
    )
    await ledger.lock(uow, {wallet: currency, hold: currency})
    if await ledger.replayed(uow, posting) is None:
        await _check_nothing_owed(uow, driver_id, currency=currency)
        posted = await ledger.post(uow, posting, now=now, ids=ids)
        placed = Hold(
            ids.new("hold"), session_id, generation, driver_id, amount_minor, 0, 0, "OPEN", expires_at, now
        )
        await uow.bulk_insert(wallet_hold, [row_of(placed)])
        await wallets.announce(uow, driver_id, posted, now=now)
    return await get(uow, session_id=session_id, generation=generation)


async def _check_nothing_owed(reader: Reader, driver_id: str, *, currency: str) -> None:
    if (owed := await wallets.owed_minor(reader, driver_id)) > 0:
        raise InsufficientFunds(
            "amount_owed", "An earlier charge is not paid yet.", owed_minor=owed, currency=currency
        )


async def find(reader: Reader, *, session_id: str, generation: int) -> Hold | None:
    row = (
        await reader.execute(
            select(*_COLUMNS).where(
                wallet_hold.c.session_id == session_id, wallet_hold.c.generation == generation
            )
        )
    ).first()
    return None if row is None else value_of(Hold, row)


async def get(reader: Reader, *, session_id: str, generation: int) -> Hold:
    found = await find(reader, session_id=session_id, generation=generation)
    if found is None:
        raise NotFound("unknown_hold", f"Session {session_id!r} has no hold of generation {generation}.")
    return found


async def _locked(uow: UnitOfWork, session_id: str, generation: int) -> Hold:
    """The hold's row comes before the accounts in the order of locks."""
    await uow.execute(
        uow.locked(
            select(wallet_hold.c.id).where(
                wallet_hold.c.session_id == session_id, wallet_hold.c.generation == generation
            )
        )
    )
    return await get(uow, session_id=session_id, generation=generation)


async def release(
    uow: UnitOfWork,
    *,
    session_id: str,
    generation: int,
    currency: str,
    actor: str,
    now: datetime,
    ids: IdSource,
) -> int:
    """All of it back to the wallet: the charge did not happen. How much; releasing again says the same."""
    held = await _locked(uow, session_id, generation)
    return await _release(uow, held, currency, actor, now=now, ids=ids)


async def _release(
    uow: UnitOfWork, held: Hold, currency: str, actor: str, *, now: datetime, ids: IdSource
) -> int:
    if held.captured:
        raise Refused("hold_captured", f"The hold of session {held.session_id!r} was captured.")
    if held.state == "SETTLED":
        return held.released
    hold, wallet = accounts.hold(held.driver_id), accounts.wallet(held.driver_id)
    posting = Posting(
        kind="release",
        key=release_key(held.session_id, held.generation),
        transfers=[Transfer(hold, wallet, held.amount, currency)],
        actor=actor,
        session_id=held.session_id,
        reference_id=await _reference(uow, held.session_id, held.generation),
    )
    posted = await ledger.post(uow, posting, now=now, ids=ids)
    await _close(uow, held, captured=0)
    await wallets.announce(uow, held.driver_id, posted, now=now)
    return held.amount


async def settle(
    uow: UnitOfWork,
    *,
    session_id: str,
    generation: int,
    driver_id: str,
    organisation_id: str,
    currency: str,
    capture: Split,
    overrun: Split | None = None,
    actor: str,
    now: datetime,
    ids: IdSource,
) -> SettledHold:
    """Capture to organisation, platform and tax, the rest back to the wallet; once per session.

    ``overrun`` is what the charge cost beyond the hold: the wallet's available money first, the rest is owed.
    Generation 0 is a session without a hold (unfunded): its whole cost is overrun. Settling again returns the
    first result.
    """
    held = None if generation == 0 else await _locked(uow, session_id, generation)
    assert held is None or held.driver_id == driver_id, "a hold is settled for its own driver"
    if (before := await ledger.find_by_key(uow, settle_key(session_id))) is not None:
        return await _result(uow, before, held)
    held_minor = 0 if held is None else held.amount
    charge = Charge(driver_id, organisation_id, currency, held_minor, capture, overrun or Split())
    if charge.is_free:
        return SettledHold(
            0, 0 if held is None else await _release(uow, held, currency, actor, now=now, ids=ids)
        )
    _check(charge, held)
    wallet, hold = accounts.wallet(driver_id), accounts.hold(driver_id)
    # How much of the overrun the wallet can pay is decided behind its lock.
    spendable = await ledger.lock(uow, {wallet: currency, hold: currency})
    settlement = divide(charge, available_minor=spendable[wallet])
    posting = Posting(
        kind="settle",
        key=settle_key(session_id),
        transfers=settlement.transfers,
        actor=actor,
        session_id=session_id,
        reference_id=await _reference(uow, session_id, generation),
        fingerprint="settle",
    )
    posted = await ledger.post(uow, posting, now=now, ids=ids)
    if posted.is_replay:  # Only without a hold: its row's lock puts settlements one behind the other.
        return await _result(uow, posted, held)
    if held is not None:
        await _close(uow, held, captured=capture.total_minor)
    await wallets.announce(uow, driver_id, posted, now=now)
    paid_minor = settlement.overrun_paid_minor
    return SettledHold(
        captured_minor=capture.total_minor,
        released_minor=charge.rest_minor,
        overrun_paid_minor=paid_minor,
        overrun_owed_minor=charge.overrun.total_minor - paid_minor,
    )


def _check(charge: Charge, held: Hold | None) -> None:
    """Raises Refused for what the hold cannot give."""
    if held is not None and held.state != "OPEN":
        raise Refused("hold_settled", f"The hold of session {held.session_id!r} is closed already.")
    if charge.rest_minor < 0:
        raise Refused("capture_exceeds_hold", "More would be captured than is held; the rest is overrun.")


async def _reference(reader: Reader, session_id: str, generation: int) -> str:
    """The statement's line of what comes back names the line that took it (mission R111)."""
    held = await ledger.find_by_key(reader, hold_key(session_id, generation))
    return session_id if held is None else held.public_id


async def _close(uow: UnitOfWork, held: Hold, *, captured: int) -> None:
    changed = await uow.execute(
        update(wallet_hold)
        .where(wallet_hold.c.id == held.id, wallet_hold.c.state == "OPEN")
        .values(state="SETTLED", captured=captured, released=held.amount - captured)
    )
    assert changed.rowcount == 1, "the hold is locked and was open"


async def _result(reader: Reader, posted: Posted, held: Hold | None) -> SettledHold:
    """What the first settlement did, from what it left behind."""
    paid_by = await ledger.debits_by_kind(reader, posted)
    return SettledHold(
        captured_minor=held.captured if held is not None else 0,
        released_minor=held.released if held is not None else 0,
        overrun_paid_minor=paid_by.get("liability:wallet", 0),
        overrun_owed_minor=paid_by.get("asset:receivable", 0),
    )
