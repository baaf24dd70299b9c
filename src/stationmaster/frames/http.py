"""The log's routes: frames by REST where no broker stands between gateway and backend, and the capture
switch.
"""

import asyncio
from datetime import datetime, timedelta
from typing import Annotated, Final, cast

import msgspec
from fastapi import APIRouter, Depends, Request
from pydantic import Field

from stationmaster.contracts import envelope as envelopes
from stationmaster.contracts.envelope import Envelope
from stationmaster.frames.ports import SetCapture
from stationmaster.identity.access import Operator
from stationmaster.infra.bus.port import Message
from stationmaster.infra.http.context import Context, get
from stationmaster.infra.http.internal import internal
from stationmaster.infra.http.wire import Body, Wire, WireTime
from stationmaster.kernel.clock import parse_time
from stationmaster.kernel.errors import Invalid, NotFound
from stationmaster.ocpp.actions16 import STATION_ACTIONS

FRAMES_MAX: Final = 1000
BODY_BYTES_MAX: Final = 16 * 1024 * 1024
CAPTURE_MINUTES_MAX: Final = 24 * 60
GROUP: Final = "frames"

router = APIRouter(tags=["OCPP log"])
Ctx = Annotated[Context, Depends(get)]


class Accepted(Wire):
    accepted: int


class CaptureIn(Body):
    """For how long every Heartbeat is logged; 0 switches it off."""

    minutes: int = Field(ge=0, le=CAPTURE_MINUTES_MAX)


class CaptureOut(Wire):
    station_id: str
    capture_until: WireTime | None


@router.post("/api/logs", status_code=202, dependencies=[Depends(internal)])
async def ingest(request: Request, ctx: Ctx) -> Accepted:
    """An array of envelopes, published as a gateway would. The same frame again has the same id and changes
    nothing. Answered when all of them are durable."""
    messages = [_message(envelope, ctx.names.ingress) for envelope in _read(await request.body())]
    await asyncio.gather(*(ctx.bus.publish(message) for message in messages))
    return Accepted(accepted=len(messages))


def _read(body: bytes) -> list[Envelope]:
    if len(body) > BODY_BYTES_MAX:
        raise Invalid("too_large", f"At most {BODY_BYTES_MAX} bytes.", status=413)
    try:
        found = msgspec.json.decode(body, type=list[Envelope])
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise Invalid("not_envelopes", str(error), hint="Send a JSON array of envelopes.") from error
    if len(found) > FRAMES_MAX:
        raise Invalid("too_many", f"At most {FRAMES_MAX} frames at once.", status=413)
    for index, envelope in enumerate(found):
        if not envelope.device_id or envelope.seq < 0 or parse_time(envelope.timestamp) is None:
            raise Invalid("bad_envelope", f"Frame {index} has no station, seq or readable time.", index=index)
    return found


def _message(envelope: Envelope, exchange: str) -> Message:
    """The id is made from the frame's place, whatever the sender says: that is what makes it idempotent."""
    envelope.id = envelopes.envelope_id(envelope.device_id, envelope.epoch, envelope.kind, envelope.seq)
    key = envelopes.routing_key(envelope, STATION_ACTIONS)
    return Message(exchange, key, envelopes.encode(envelope), envelope.id, envelopes.priority(key), GROUP)


@router.post("/api/cms/stations/{station_id}/capture")
async def capture(station_id: str, body: CaptureIn, who: Operator, ctx: Ctx) -> CaptureOut:
    """Log a station's Heartbeats too, for a while."""
    switch = cast("SetCapture | None", ctx.options.get("set_capture"))
    if switch is None:
        raise NotFound("not_here", "This installation cannot capture.")
    until = _until(ctx.runtime.clock.now(), body.minutes)
    async with ctx.database.transaction() as uow:
        await switch(uow, station_id=station_id, until=until, organisation_id=who.organisation_id)
    return CaptureOut(station_id=station_id, capture_until=until)


def _until(now: datetime, minutes: int) -> datetime | None:
    return now + timedelta(minutes=minutes) if minutes else None
