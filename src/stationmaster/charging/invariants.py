"""What must always be true of sessions, each as a function that lists what is not.

The charging room's half of reliability 6.5 (I5 to I7), and what ties sessions to OCPP's transactions.
"""

from datetime import datetime

from sqlalchemy import BigInteger, and_, case, cast, func, or_, select

from stationmaster.charging.model import DELIVERING, TERMINAL, PayerKind, State
from stationmaster.charging.tables import charging_session, ocpp_transaction
from stationmaster.infra.db.database import Reader
from stationmaster.kernel.money import share_bps
from stationmaster.wallet.invariants import Breach
from stationmaster.wallet.tables import ledger_account, ledger_transaction, ledger_transfer, wallet_hold

_c = charging_session.c
_TERMINAL = sorted(str(state) for state in TERMINAL)
_DELIVERING = sorted(str(state) for state in DELIVERING)
_RECEIVERS = ("liability:org", "income:platform_fee", "liability:tax")


async def terminal_is_settled(reader: Reader) -> list[Breach]:
    """Terminal exactly when settled; then also ended."""
    is_terminal = _c.state.in_(_TERMINAL)
    rows = await reader.execute(
        select(_c.id, _c.state).where(
            or_(
                and_(is_terminal, or_(_c.settled_at.is_(None), _c.ended_at.is_(None))),
                and_(~is_terminal, _c.settled_at.is_not(None)),
            )
        )
    )
    return [Breach("S1", row.id, f"{row.state}, settled_at does not say so") for row in rows.all()]


async def receipts_add_up(reader: Reader) -> list[Breach]:
    """I6, I7: cost = captured + overrun = organisation + fee + tax; captured + released = held; the fee
    by its rule."""
    rows = await reader.execute(
        select(
            _c.id, _c.payer_kind, _c.cost_minor, _c.captured_minor, _c.overrun_minor, _c.released_minor,
            _c.fee_minor, _c.organisation_minor, _c.tax_minor, _c.fee_bps, _c.hold_amount_minor,
            _c.hold_generation,
        ).where(_c.state.in_(_TERMINAL))
    )  # fmt: skip
    found: list[Breach] = []
    for row in rows.all():
        held = row.hold_amount_minor if row.hold_generation else 0
        checks = {
            "captured + overrun": row.captured_minor + row.overrun_minor == row.cost_minor,
            "shares": row.fee_minor + row.organisation_minor + row.tax_minor == row.cost_minor,
            "fee": row.fee_minor == share_bps(row.cost_minor - row.tax_minor, row.fee_bps),
            "captured + released": row.payer_kind != PayerKind.WALLET
            or row.captured_minor + row.released_minor == held,
        }
        found += [Breach("I6", row.id, f"{what} is off") for what, is_right in checks.items() if not is_right]
    return found


async def holds_belong_to_sessions(reader: Reader) -> list[Breach]:
    """I5: an open hold belongs to a session that is not over, and such a session has its hold."""
    hold = wallet_hold.c
    held = select(
        hold.session_id, hold.generation, hold.amount, _c.state, _c.hold_generation, _c.hold_amount_minor
    ).select_from(wallet_hold.outerjoin(charging_session, _c.id == hold.session_id))
    joined = held.where(hold.state == "OPEN")
    open_holds = (await reader.execute(joined)).all()
    found = [
        Breach("I5", row.session_id, f"open hold {row.generation}, session {row.state}")
        for row in open_holds
        if row.state is None
        or row.state in _TERMINAL
        or (row.generation, row.amount) != (row.hold_generation, row.hold_amount_minor)
    ]
    funded = await reader.execute(
        select(_c.id).where(
            _c.state.not_in(_TERMINAL), _c.payer_kind == PayerKind.WALLET.value, _c.hold_generation > 0
        )
    )
    have_one = {row.session_id for row in open_holds}
    return found + [Breach("I5", row.id, "no open hold") for row in funded.all() if row.id not in have_one]


async def sessions_match_the_ledger(reader: Reader) -> list[Breach]:
    """I7: what organisation, platform and tax got for a session is what its receipt says."""
    target = ledger_account.alias("target")
    credited = (
        select(
            ledger_transaction.c.session_id,
            cast(func.sum(ledger_transfer.c.amount), BigInteger).label("minor"),
        )
        .select_from(ledger_transfer)
        .join(ledger_transaction, ledger_transaction.c.id == ledger_transfer.c.transaction_id)
        .join(target, target.c.id == ledger_transfer.c.credit_account_id)
        .where(target.c.kind.in_(_RECEIVERS), ledger_transaction.c.session_id.is_not(None))
        .group_by(ledger_transaction.c.session_id)
        .subquery()
    )
    # At its own stations an organisation owes itself nothing.
    pays_itself = and_(
        _c.payer_kind == PayerKind.ORGANISATION.value,
        func.coalesce(_c.payer_organisation_id, _c.organisation_id) == _c.organisation_id,
    )
    booked = case((_c.state.in_(_TERMINAL), _c.cost_minor), else_=0)
    expected = booked - case((and_(pays_itself, _c.state.in_(_TERMINAL)), _c.organisation_minor), else_=0)
    got = func.coalesce(credited.c.minor, 0)
    rows = await reader.execute(
        select(_c.id, expected.label("expected"), got.label("got"))
        .select_from(charging_session.outerjoin(credited, credited.c.session_id == _c.id))
        .where(expected != got)
    )
    return [Breach("I7", row.id, f"receipt {row.expected}, ledger {row.got}") for row in rows.all()]


async def transactions_have_sessions(reader: Reader) -> list[Breach]:
    """An open transaction's session is not over; a session that delivers has its open transaction."""
    t = ocpp_transaction.c
    lost = await reader.execute(
        select(t.transaction_id, _c.state)
        .select_from(ocpp_transaction.outerjoin(charging_session, _c.id == t.session_id))
        .where(t.stopped_at.is_(None), or_(_c.id.is_(None), _c.state.not_in(_DELIVERING)))
    )
    found = [
        Breach("S2", f"transaction {row.transaction_id}", f"open, session {row.state}") for row in lost.all()
    ]
    has_open = select(t.session_id).where(t.session_id == _c.id, t.stopped_at.is_(None)).exists()
    running = [State.ONGOING.value, State.STOPPING.value]
    bare = await reader.execute(select(_c.id, _c.state).where(_c.state.in_(running), ~has_open))
    return found + [Breach("S2", row.id, f"{row.state} without a transaction") for row in bare.all()]


CHECKS = (
    terminal_is_settled,
    receipts_add_up,
    holds_belong_to_sessions,
    sessions_match_the_ledger,
    transactions_have_sessions,
)


async def breaches(reader: Reader, *, now: datetime) -> list[Breach]:
    """All of them; empty is good."""
    del now  # Every room's is called alike.
    return [breach for check in CHECKS for breach in await check(reader)]
