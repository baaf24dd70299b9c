"""StatusNotification: a connector says how it is (OCPP 1.6, 4.9 and 6.47). The gateway has answered.

Status is what the station reports and nothing else: a session's state never follows from it alone
(SuspendedEV, say, ends nothing), and the operator's view of a connector is kept apart.
"""

from collections.abc import Sequence

import msgspec

from stationmaster.actions.dispatch import Call
from stationmaster.actions.v16 import _reading as reading
from stationmaster.actions.v16._reading import Number
from stationmaster.infra.db.database import UnitOfWork
from stationmaster.stations import status
from stationmaster.stations.model import StatusChange


class StatusNotificationRequest(msgspec.Struct, rename="camel", omit_defaults=True, kw_only=True):
    connector_id: Number = 0
    error_code: str = "NoError"
    status: str = ""
    info: str | None = None
    timestamp: Number = None
    vendor_id: str | None = None
    vendor_error_code: str | None = None


class StatusNotificationResponse(msgspec.Struct, rename="camel"):
    pass


async def handle(calls: Sequence[Call[StatusNotificationRequest]], *, uow: UnitOfWork) -> list[None]:
    changes = [change for call in calls if (change := _change(call)) is not None]
    if changes:
        await status.apply(uow, changes)
    return [None] * len(calls)


def _change(call: Call[StatusNotificationRequest]) -> StatusChange | None:
    said = call.request
    connector_id = reading.connector_id(said.connector_id)
    word = reading.clean(said.status, 50)
    if connector_id is None or not word:
        call.flags.append("status_unreadable")
        return None
    return StatusChange(
        station_id=call.station_id,
        connector_id=connector_id,
        status=word,
        at=reading.device_time(said.timestamp, received_at=call.received_at) or call.received_at,
        epoch=call.epoch,
        seq=call.seq,
        error_code=reading.clean(said.error_code, 50) or "NoError",
        info=reading.clean(said.info, 50),
        vendor_error_code=reading.clean(said.vendor_error_code, 50),
    )
