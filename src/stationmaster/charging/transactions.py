"""A station says that a transaction has begun: which session is it, who pays, what is the station told?

Always a transaction row, always an answer. The same start again gets the same answer byte for byte, whatever
its message id. OCPP's transaction; the unit of work is the caller's.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from stationmaster.charging import facts, funding, stops, store, transaction_store
from stationmaster.charging.endings import end_unseen, stop
from stationmaster.charging.funding import Funded
from stationmaster.charging.model import (
    DEFAULT_POLICY,
    Begun,
    ChargingPolicy,
    Ending,
    Given,
    KeptStop,
    Session,
    Start,
    State,
    Transaction,
    Verdict,
)
from stationmaster.charging.rules.join import Joining, join
from stationmaster.charging.rules.next_state import Event, next_state
from stationmaster.charging.settlement import settle_locked
from stationmaster.infra.db.database import UnitOfWork
from stationmaster.infra.db.errors import Conflict, Duplicate
from stationmaster.kernel.ids import MAX_TRANSACTION_ID, IdSource
from stationmaster.stations import directory

__all__ = ["Encode", "begin", "given", "stop"]

Encode = Callable[[int, Verdict], bytes]
"""The answer's payload in the station's dialect, from the transaction id and the verdict."""

INSERT_TRIES = 3


async def begin(
    uow: UnitOfWork,
    starts: Sequence[Start],
    *,
    encode: Encode,
    now: datetime,
    ids: IdSource,
    policy: ChargingPolicy = DEFAULT_POLICY,
) -> list[Begun]:
    """One after the other: each may change what the next one finds."""
    begun = [await _begin(uow, start, encode=encode, now=now, ids=ids, policy=policy) for start in starts]
    return await _with_kept_stops(uow, starts, begun)


async def _begin(
    uow: UnitOfWork, start: Start, *, encode: Encode, now: datetime, ids: IdSource, policy: ChargingPolicy
) -> Begun:
    known = await transaction_store.transaction_by_fingerprint(uow, start.fingerprint)
    if known is not None:
        await _remember_ids(uow, start, means=known.transaction_id)
        return Begun(known.transaction_id, known.answer.encode(), is_repeat=True)
    started_at = start.device_at or start.received_at
    joining = join(
        connector_id=start.connector_id,
        id_token=start.id_token,
        station_id=start.station_id,
        started_at=started_at,
        is_late=start.is_late,
        sessions=await store.locked_for_start(uow, station_id=start.station_id, id_token=start.id_token),
        open_transactions=await transaction_store.open_transactions(uow, start.station_id),
    )
    await _make_room(uow, joining, now=now, ids=ids)
    transaction_id = await _transaction_id(uow, start)
    funded = await funding.fund(
        uow, start, joining, transaction_id=transaction_id, now=now, ids=ids, policy=policy
    )
    session = await _write_session(uow, funded, now=now, ids=ids)
    answer = start.given.answer if start.given else encode(transaction_id, funded.verdict)
    await transaction_store.insert_transaction(
        uow, _transaction(start, session, transaction_id, started_at, answer)
    )
    await _remember_ids(uow, start, means=transaction_id)
    uow.announce(facts.charging_started(session, at=now))
    uow.announce(facts.session_updated(session, at=now))
    if must_stop(funded, start.given):
        await stops.ask_locked(
            uow, session, actor="system:unfunded", now=now, ids=ids, policy=policy, why=funded.why
        )
    return Begun(transaction_id, answer)


def must_stop(funded: Funded, told: Given | None) -> bool:
    """A charge that we do not stand behind is asked to stop, where the station may think otherwise: it was
    told Accepted by the offline policy, or it keeps a cable live after Blocked. One that was refused offline
    although it was paid for is stopped too: its driver gets no energy, and the money back."""
    if told is not None and (told.status == Verdict.ACCEPTED) != (funded.verdict is Verdict.ACCEPTED):
        return True
    return funded.is_unfunded


async def _make_room(uow: UnitOfWork, joining: Joining, *, now: datetime, ids: IdSource) -> None:
    """Two transactions never share a connector: what was there has ended unseen, who waited waits in vain."""
    for transaction in joining.superseded:
        await end_unseen(uow, transaction, now=now, ids=ids)
    for waiting in joining.evicted:
        state = next_state(waiting.state, Event.CONNECTOR_TAKEN)
        assert state is State.FAILED, waiting.state
        ending = Ending(state, ended_at=now, sub_reason=Event.CONNECTOR_TAKEN.value)
        await settle_locked(uow, waiting, ending=ending, now=now, ids=ids)


async def _transaction_id(uow: UnitOfWork, start: Start) -> int:
    """What the station was told; else what the gateway proposed; else a new one. Never one that is in use."""
    told = start.given.transaction_id if start.given else None
    for candidate in (told, start.proposed_transaction_id):
        if (
            candidate is not None
            and 0 < candidate <= MAX_TRANSACTION_ID
            and not await transaction_store.is_transaction_id_taken(uow, candidate)
        ):
            return candidate
    return (await directory.lease_transaction_ids(uow, count=1))[0]


async def _remember_ids(uow: UnitOfWork, start: Start, *, means: int) -> None:
    """Every id that the station may have been told for this start leads to the one transaction."""
    told = start.given.transaction_id if start.given else None
    for other in sorted({id_ for id_ in (told, start.proposed_transaction_id) if id_} - {means}):
        if 0 < other <= MAX_TRANSACTION_ID and not await transaction_store.is_transaction_id_taken(
            uow, other
        ):
            await transaction_store.add_alias(
                uow, transaction_id=other, means=means, station_id=start.station_id
            )


async def _write_session(uow: UnitOfWork, funded: Funded, *, now: datetime, ids: IdSource) -> Session:
    if funded.before is not None:
        try:
            return await store.save_session(uow, funded.before, funded.session)
        except Duplicate as rival:
            # A request took the connector after we looked. Once more, and it is seen and makes room.
            raise Conflict("connector_raced", "A request and a transaction met on one connector.") from rival
    session = replace(funded.session, version=1)
    for _ in range(INSERT_TRIES):
        if await store.try_insert_session(uow, session):
            return session
        # Somebody's request came between our look and our insert: the station has decided who charges here.
        await _evict(uow, session, now=now, ids=ids)
    raise AssertionError("a connector cannot be taken again while its rival is locked")


async def _evict(uow: UnitOfWork, session: Session, *, now: datetime, ids: IdSource) -> None:
    rival = await store.live_on_connector(
        uow, station_id=session.station_id, connector_id=session.connector_id
    )
    locked = await store.locked_session(uow, rival.id) if rival else None
    if locked is not None and next_state(locked.state, Event.CONNECTOR_TAKEN) is State.FAILED:
        ending = Ending(State.FAILED, ended_at=now, sub_reason=Event.CONNECTOR_TAKEN.value)
        await settle_locked(uow, locked, ending=ending, now=now, ids=ids)


def _transaction(
    start: Start, session: Session, transaction_id: int, started_at: datetime, answer: bytes
) -> Transaction:
    return Transaction(
        transaction_id=transaction_id,
        station_id=start.station_id,
        connector_id=start.connector_id,
        session_id=session.id,
        id_token=start.id_token,
        meter_start_wh=start.meter_start_wh,
        started_at=started_at,
        received_at=start.received_at,
        fingerprint=start.fingerprint,
        answer=answer.decode(),
        stop_fingerprint=None,
        stopped_at=None,
        meter_stop_wh=None,
        stop_reason=None,
        stop_id_token=None,
    )


async def _with_kept_stops(uow: UnitOfWork, starts: Sequence[Start], begun: Sequence[Begun]) -> list[Begun]:
    """Stops that came before their start, as sent: the dialect reads them and ends the transaction."""
    meant = [
        frozenset() if one.is_repeat else _ids_of(start, one)
        for start, one in zip(starts, begun, strict=True)
    ]
    kept: dict[tuple[str, int], list[KeptStop]] = {}
    for row in await transaction_store.unmatched_stops_of(
        uow,
        station_ids=sorted({start.station_id for start in starts}),
        transaction_ids=sorted({id_ for ids in meant for id_ in ids}),
    ):
        stop = KeptStop(row.id, row.station_id, row.payload.encode(), row.epoch, row.seq, row.received_at)
        kept.setdefault((row.station_id, row.transaction_id), []).append(stop)
    return [
        replace(
            one, kept_stops=_fitting(start, [k for id_ in ids for k in kept.get((start.station_id, id_), [])])
        )
        for start, one, ids in zip(starts, begun, meant, strict=True)
    ]


def _ids_of(start: Start, begun: Begun) -> frozenset[int]:
    """What the station may call this transaction."""
    told = start.given.transaction_id if start.given else None
    return frozenset(id_ for id_ in (told, start.proposed_transaction_id, begun.transaction_id) if id_)


def _fitting(start: Start, kept: Sequence[KeptStop]) -> tuple[KeptStop, ...]:
    """Ids are ours, but a station may still have stops of somebody else's to say, with the same numbers: in
    the station's own order such a stop comes before the start."""
    found = [k for k in kept if start.is_late or (k.epoch, k.seq) > (start.epoch, start.seq)]
    return tuple(sorted(found, key=lambda k: k.id))


async def given(
    uow: UnitOfWork,
    answers: Sequence[tuple[str, Given]],
    *,
    now: datetime,
    ids: IdSource,
    policy: ChargingPolicy = DEFAULT_POLICY,
) -> None:
    """Gateways told these stations (by id) something while we could not be asked: book it.

    The start itself is booked already, with the same id, by its CALL. What the station heard counts from now
    on; and where it may charge although nobody pays, or may not although somebody does, it is asked to stop.
    """
    found = await transaction_store.transactions(uow, [told.transaction_id for _, told in answers])
    for station_id, told in answers:
        transaction = found.get(told.transaction_id)
        if transaction is None or transaction.station_id != station_id or transaction.stopped_at is not None:
            continue
        session = await store.locked_session(uow, transaction.session_id)
        if session is None or transaction.answer.encode() == told.answer:
            continue
        await transaction_store.set_answer(uow, transaction.transaction_id, told.answer.decode())
        is_paid = session.state is not State.ORPHANED and session.sub_reason != funding.UNFUNDED
        if (told.status == Verdict.ACCEPTED) != is_paid:
            await stops.ask_locked(
                uow,
                session,
                actor="system:offline_policy",
                now=now,
                ids=ids,
                policy=policy,
                why=f"told_{told.status}",
            )
