"""StopTransaction: a station says that a transaction has ended (OCPP 1.6, 4.10 and 6.49). The gateway
has answered: a stop can neither be refused nor prevented."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from stationmaster.actions.dispatch import Call
from stationmaster.actions.v16 import _reading as reading
from stationmaster.actions.v16._reading import Number
from stationmaster.actions.v16.authorize import IdTagInfo
from stationmaster.actions.v16.meter_values import MeterSample, values_of
from stationmaster.charging import transactions
from stationmaster.charging.model import KeptStop, Stop
from stationmaster.charging.rules.fingerprints import stop_fingerprint
from stationmaster.identity.rules.id_token import normal
from stationmaster.infra.db.database import UnitOfWork
from stationmaster.kernel.clock import Clock
from stationmaster.kernel.energy import wh_of
from stationmaster.kernel.ids import IdSource


class StopTransactionRequest(msgspec.Struct, rename="camel", omit_defaults=True, kw_only=True):
    transaction_id: Number = None
    timestamp: Number = None
    meter_stop: Number = None
    id_tag: str | None = None
    reason: str | None = None
    transaction_data: list[MeterSample] | None = None


class StopTransactionResponse(msgspec.Struct, rename="camel", omit_defaults=True, kw_only=True):
    id_tag_info: IdTagInfo | None = None


async def handle(
    calls: Sequence[Call[StopTransactionRequest]],
    *,
    uow: UnitOfWork,
    clock: Clock,
    ids: IdSource,
) -> list[None]:
    stops = [
        read(
            call.request,
            station_id=call.station_id,
            received_at=call.received_at,
            epoch=call.epoch,
            seq=call.seq,
            payload=call.payload,
        )
        for call in calls
    ]
    await transactions.stop(uow, stops, now=clock.now(), ids=ids)
    return [None] * len(calls)


def read(
    said: StopTransactionRequest,
    *,
    station_id: str,
    received_at: datetime,
    epoch: int,
    seq: int,
    payload: bytes,
    transaction_id: int | None = None,
) -> Stop:
    """``transaction_id``: what it turned out to mean. An unreadable one is 0, which is no transaction's."""
    meant = transaction_id or reading.whole(said.transaction_id) or 0
    # No reason is Local (OCPP 1.6, 6.49).
    reason = reading.clean(said.reason, 50) or "Local"
    token = normal(reading.clean(said.id_tag, 36)) if said.id_tag else None
    return Stop(
        station_id=station_id,
        transaction_id=meant,
        meter_stop_wh=wh_of(said.meter_stop),
        device_at=reading.device_time(said.timestamp, received_at=received_at),
        received_at=received_at,
        epoch=epoch,
        seq=seq,
        payload=payload.decode("utf-8", "replace"),
        fingerprint=stop_fingerprint(
            station_id=station_id,
            transaction_id=meant,
            meter_stop=said.meter_stop,
            device_time=said.timestamp,
            reason=reason,
        ),
        reason=reason,
        id_token=token,
        values=tuple(values_of(said.transaction_data or [], received_at=received_at)),
    )


def read_kept(kept: KeptStop, *, transaction_id: int) -> Stop | None:
    """A stop that had waited for its start."""
    try:
        said = msgspec.json.decode(kept.payload, type=StopTransactionRequest, strict=False)
    except msgspec.MsgspecError:
        return None
    return read(
        said,
        station_id=kept.station_id,
        received_at=kept.received_at,
        epoch=kept.epoch,
        seq=kept.seq,
        payload=kept.payload,
        transaction_id=transaction_id,
    )
