"""An answer that a gateway gave by its offline policy: the station acts on it, so it is booked as told."""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from stationmaster.actions.dispatch import Call
from stationmaster.charging import transactions
from stationmaster.charging.model import DEFAULT_POLICY, ChargingPolicy, Given
from stationmaster.infra.db.database import UnitOfWork
from stationmaster.kernel.clock import Clock
from stationmaster.kernel.ids import IdSource


@dataclass(frozen=True, slots=True)
class GivenAnswer:
    """``payload`` is the answer as sent to the CALL with ``answers_seq`` on the same link."""

    answers_seq: int
    payload: bytes


class _IdTagInfo(msgspec.Struct):
    status: str = ""


class _StartAnswer(msgspec.Struct, rename="camel"):
    """What matters of a StartTransaction's answer (OCPP 1.6, 6.46). Other answers name no transaction."""

    transaction_id: int | None = None
    id_tag_info: _IdTagInfo = msgspec.field(default_factory=_IdTagInfo)


_read = msgspec.json.Decoder(_StartAnswer).decode


async def handle(
    calls: Sequence[Call[GivenAnswer]],
    *,
    uow: UnitOfWork,
    clock: Clock,
    ids: IdSource,
    policy: ChargingPolicy = DEFAULT_POLICY,
) -> Sequence[None]:
    """In each station's order. Only a start has consequences; an Authorize that was answered is history."""
    told = [(call.station_id, given) for call in calls if (given := _given(call)) is not None]
    if told:
        await transactions.given(uow, told, now=clock.now(), ids=ids, policy=policy)
    return [None] * len(calls)


def _given(call: Call[GivenAnswer]) -> Given | None:
    try:
        answer = _read(call.request.payload)
    except msgspec.MsgspecError:
        call.flags.append("given_unreadable")
        return None
    if answer.transaction_id is None:
        return None
    return Given(answer.transaction_id, answer.id_tag_info.status, call.request.payload)
