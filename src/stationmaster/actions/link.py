"""A station's connection began or ended: not a frame on the wire, but part of the link's history."""

from collections.abc import Sequence

import msgspec

from stationmaster.actions.dispatch import Call
from stationmaster.contracts.envelope import LINK_OPENED
from stationmaster.infra.db.database import UnitOfWork
from stationmaster.stations import presence
from stationmaster.stations.model import LinkEvent


class LinkRequest(msgspec.Struct, rename="camel"):
    """What the gateway says of it. ``last_seq`` comes with the end."""

    remote_address: str = ""
    reason: str = ""
    last_seq: int = 0


async def handle(calls: Sequence[Call[LinkRequest]], *, uow: UnitOfWork) -> Sequence[None]:
    """Openings first, then ends: the worker hands over only one kind at a time, in each station's order."""
    opened = [_event(call) for call in calls if call.action == LINK_OPENED]
    closed = [_event(call) for call in calls if call.action != LINK_OPENED]
    if opened:
        await presence.link_opened(uow, opened)
    if closed:
        await presence.link_closed(uow, closed)
    return [None] * len(calls)


def _event(call: Call[LinkRequest]) -> LinkEvent:
    return LinkEvent(
        call.station_id, call.epoch, call.gateway_id, call.received_at, call.request.remote_address
    )
