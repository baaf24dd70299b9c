"""BootNotification: a station says what it is (OCPP 1.6, 4.2 and 6.3). The gateway has answered."""

from collections.abc import Sequence

import msgspec

from stationmaster.actions.dispatch import Call
from stationmaster.actions.v16 import _reading as reading
from stationmaster.infra.db.database import UnitOfWork
from stationmaster.stations import boots
from stationmaster.stations.model import Boot


class BootNotificationRequest(msgspec.Struct, rename="camel", omit_defaults=True, kw_only=True):
    charge_point_vendor: str = ""
    charge_point_model: str = ""
    charge_point_serial_number: str | None = None
    charge_box_serial_number: str | None = None
    firmware_version: str | None = None
    iccid: str | None = None
    imsi: str | None = None
    meter_type: str | None = None
    meter_serial_number: str | None = None


class BootNotificationResponse(msgspec.Struct, rename="camel", kw_only=True):
    status: str
    current_time: str
    interval: int


async def handle(calls: Sequence[Call[BootNotificationRequest]], *, uow: UnitOfWork) -> list[None]:
    """The newest boot of each station becomes its description."""
    await boots.apply(uow, [_boot(call) for call in calls])
    return [None] * len(calls)


def _boot(call: Call[BootNotificationRequest]) -> Boot:
    said = call.request
    return Boot(
        station_id=call.station_id,
        epoch=call.epoch,
        seq=call.seq,
        at=call.received_at,
        vendor=reading.clean(said.charge_point_vendor, 50),
        model=reading.clean(said.charge_point_model, 50),
        # The charge box's serial number is the older name of the same thing (6.3).
        serial_number=reading.clean(said.charge_point_serial_number or said.charge_box_serial_number, 50),
        firmware_version=reading.clean(said.firmware_version, 50),
    )
