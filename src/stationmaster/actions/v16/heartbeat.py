"""Heartbeat: a station says that it lives (OCPP 1.6, 4.6 and 6.29).

The gateway answers it and tells presence; it takes no place in the link's order, so there is nothing to
handle. One that comes all the same (a replay of an import) changes nothing.
"""

from collections.abc import Sequence

import msgspec

from stationmaster.actions.dispatch import Call


class HeartbeatRequest(msgspec.Struct, rename="camel"):
    pass


class HeartbeatResponse(msgspec.Struct, rename="camel", kw_only=True):
    current_time: str


async def handle(calls: Sequence[Call[HeartbeatRequest]]) -> list[None]:
    return [None] * len(calls)
