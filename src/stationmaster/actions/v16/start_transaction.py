"""StartTransaction: a station says that a transaction has begun (OCPP 1.6, 4.8 and 6.45)."""

from collections.abc import Sequence

import msgspec

from stationmaster.actions.dispatch import Call
from stationmaster.actions.v16 import _reading as reading
from stationmaster.actions.v16 import stop_transaction
from stationmaster.actions.v16._reading import Number
from stationmaster.actions.v16.authorize import IdTagInfo
from stationmaster.charging import transaction_store, transactions
from stationmaster.charging.model import DEFAULT_POLICY, Begun, ChargingPolicy, Given, Start, Verdict
from stationmaster.charging.rules.fingerprints import start_fingerprint
from stationmaster.identity.rules.id_token import normal
from stationmaster.infra.db.database import UnitOfWork
from stationmaster.kernel.clock import Clock
from stationmaster.kernel.energy import wh_of
from stationmaster.kernel.ids import IdSource


class StartTransactionRequest(msgspec.Struct, rename="camel", omit_defaults=True, kw_only=True):
    connector_id: Number = None
    id_tag: str = ""
    meter_start: Number = None
    timestamp: Number = None
    reservation_id: Number = None


class StartTransactionResponse(msgspec.Struct, rename="camel", kw_only=True):
    id_tag_info: IdTagInfo
    transaction_id: int


async def handle(
    calls: Sequence[Call[StartTransactionRequest]],
    *,
    uow: UnitOfWork,
    clock: Clock,
    ids: IdSource,
    policy: ChargingPolicy = DEFAULT_POLICY,
) -> list[msgspec.Raw]:
    """The stored bytes themselves: a repeated start is answered byte for byte as before."""
    now = clock.now()
    begun = await transactions.begin(
        uow, [_start(call) for call in calls], encode=encode, now=now, ids=ids, policy=policy
    )
    await _apply_kept_stops(uow, begun, clock=clock, ids=ids)
    return [msgspec.Raw(one.answer) for one in begun]


def encode(transaction_id: int, verdict: Verdict) -> bytes:
    """The answer's payload."""
    return msgspec.json.encode(
        StartTransactionResponse(id_tag_info=IdTagInfo(status=verdict.value), transaction_id=transaction_id)
    )


def read_given(answer: bytes) -> Given | None:
    """What a gateway told a station by its offline policy; None when it is no answer to a start."""
    try:
        told = msgspec.json.decode(answer, type=StartTransactionResponse)
    except msgspec.MsgspecError:
        return None
    return Given(told.transaction_id, told.id_tag_info.status, answer)


def _start(call: Call[StartTransactionRequest]) -> Start:
    said = call.request
    id_token = normal(reading.clean(said.id_tag, 36))
    connector_id = reading.connector_id(said.connector_id)
    flags = _flags(said, connector_id)
    call.flags.extend(flags)
    return Start(
        station_id=call.station_id,
        connector_id=connector_id or 0,
        id_token=id_token,
        meter_start_wh=wh_of(said.meter_start),
        device_at=reading.device_time(said.timestamp, received_at=call.received_at),
        received_at=call.received_at,
        fingerprint=start_fingerprint(
            station_id=call.station_id,
            connector_id=connector_id or 0,
            id_token=id_token,
            meter_start=said.meter_start,
            # Without a time two starts cannot be told apart by content: then the frame's place does.
            device_time=said.timestamp or f"{call.epoch}:{call.seq}",
            reservation_id=said.reservation_id,
        ),
        proposed_transaction_id=call.proposed_transaction_id,
        is_late=call.is_late,
        given=read_given(call.given) if call.given is not None else None,
        flags=flags,
        epoch=call.epoch,
        seq=call.seq,
    )


def _flags(said: StartTransactionRequest, connector_id: int | None) -> tuple[str, ...]:
    """What was off, in words for a person. A transaction needs a connector from 1 up (OCPP 1.6, 6.45)."""
    flags = ["bad_connector"] if not connector_id else []
    if wh_of(said.meter_start) is None:
        flags.append("meter_start_unreadable")
    return tuple(flags)


async def _apply_kept_stops(uow: UnitOfWork, begun: Sequence[Begun], *, clock: Clock, ids: IdSource) -> None:
    """A stop that came before its start (replayed out of order) ends it now; both are settled late."""
    for one in begun:
        for kept in one.kept_stops[:1]:
            stop = stop_transaction.read_kept(kept, transaction_id=one.transaction_id)
            if stop is None:
                continue
            await transactions.stop(uow, [stop], now=clock.now(), ids=ids)
            await transaction_store.resolve_unmatched_stop(
                uow, kept.id, transaction_id=one.transaction_id, now=clock.now()
            )
