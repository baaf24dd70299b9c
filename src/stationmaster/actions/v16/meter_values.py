"""MeterValues: what a connector's meter shows (OCPP 1.6, 4.7 and 6.31). The gateway has answered."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from stationmaster.actions.dispatch import Call
from stationmaster.actions.v16 import _reading as reading
from stationmaster.actions.v16._reading import Number
from stationmaster.charging import meters
from stationmaster.charging.model import DEFAULT_POLICY, ChargingPolicy, MeterReport, MeterValue
from stationmaster.charging.model import SampledValue as Sample
from stationmaster.charging.rules import meter
from stationmaster.infra.db.database import UnitOfWork
from stationmaster.kernel.clock import Clock
from stationmaster.kernel.ids import IdSource

VALUES_MAX = 1000
SAMPLES_MAX = 200
"""Of one message. A frame is bounded too, but a small sample is small indeed."""


class SampledValue(msgspec.Struct, rename="camel", omit_defaults=True, kw_only=True):
    """OCPP 1.6, 7.43."""

    value: Number = None
    context: str | None = None
    format: str | None = None
    measurand: str | None = None
    phase: str | None = None
    location: str | None = None
    unit: str | None = None


class MeterSample(msgspec.Struct, rename="camel", omit_defaults=True, kw_only=True):
    """OCPP 1.6, 7.33 (MeterValue)."""

    timestamp: Number = None
    sampled_value: list[SampledValue] = []


class MeterValuesRequest(msgspec.Struct, rename="camel", omit_defaults=True, kw_only=True):
    connector_id: Number = None
    transaction_id: Number = None
    meter_value: list[MeterSample] = []


class MeterValuesResponse(msgspec.Struct, rename="camel"):
    pass


_encode = msgspec.json.Encoder().encode


async def handle(
    calls: Sequence[Call[MeterValuesRequest]],
    *,
    uow: UnitOfWork,
    clock: Clock,
    ids: IdSource,
    policy: ChargingPolicy = DEFAULT_POLICY,
) -> list[None]:
    """The whole batch at once: statements do not grow with frames."""
    reports = [report for call in calls if (report := _report(call)) is not None]
    if reports:
        await meters.apply(uow, reports, now=clock.now(), ids=ids, policy=policy)
    return [None] * len(calls)


def _report(call: Call[MeterValuesRequest]) -> MeterReport | None:
    said = call.request
    connector_id = reading.connector_id(said.connector_id)
    values = values_of(said.meter_value, received_at=call.received_at)
    if connector_id is None or not values:
        call.flags.append("meter_unreadable")
        return None
    return MeterReport(
        station_id=call.station_id,
        connector_id=connector_id,
        transaction_id=reading.whole(said.transaction_id),
        epoch=call.epoch,
        seq=call.seq,
        is_late=call.is_late,
        values=values,
    )


def values_of(said: Sequence[MeterSample], *, received_at: datetime) -> list[MeterValue]:
    """MeterValues as our room knows them; also those that come with a StopTransaction."""
    return [_value(sample, received_at=received_at) for sample in said[:VALUES_MAX] if sample.sampled_value]


def _value(sample: MeterSample, *, received_at: datetime) -> MeterValue:
    at = reading.device_time(sample.timestamp, received_at=received_at) or received_at
    kept = sample.sampled_value[:SAMPLES_MAX]
    return MeterValue(meter.read([_sample(s) for s in kept], at=at), _encode(kept).decode())


def _sample(said: SampledValue) -> Sample:
    """The standard's defaults, where the station left them out."""
    return Sample(
        said.value if said.value is not None else "",
        said.measurand or "Energy.Active.Import.Register",
        said.unit,
        said.phase,
        said.context or "Sample.Periodic",
        said.format or "Raw",
        said.location or "Outlet",
    )
