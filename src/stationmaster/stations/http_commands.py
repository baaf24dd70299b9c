"""Any OCPP command to a station over HTTP: asked with 202, followed by its id."""

import json
from datetime import timedelta
from typing import Annotated, Any, Final

from fastapi import APIRouter, Body, Depends

from stationmaster.contracts.redaction import redact
from stationmaster.identity import access
from stationmaster.infra.http import pagination
from stationmaster.infra.http.context import Context, get
from stationmaster.infra.http.wire import Wire, WireTime, Words
from stationmaster.kernel.errors import NotFound, Refused
from stationmaster.stations import commands, registry
from stationmaster.stations.facts import connector_of
from stationmaster.stations.model import Command

router = APIRouter(tags=["commands"])

Ctx = Annotated[Context, Depends(get)]

ANSWER_WITHIN = timedelta(seconds=30)
"""A station that is there answers in a second or two; this covers a slow mobile link."""

# Sessions and money hang on these: they have routes of their own.
NOT_BY_HAND: Final = {
    "RemoteStartTransaction": "/api/cms/charging/start",
    "RemoteStopTransaction": "/api/cms/charging/stop",
}


class AskedOut(Wire):
    command_id: str
    state: str
    deadline_at: WireTime


class CommandOut(Wire):
    command_id: str
    station_id: str
    action: str
    connector_id: int | None
    payload: Any
    state: str
    status: str
    answer: Any
    error: str
    session_id: str | None
    actor: str
    created_at: WireTime
    deadline_at: WireTime
    sent_at: WireTime | None
    finished_at: WireTime | None
    version: int


class CommandList(Wire):
    items: list[CommandOut]
    next_cursor: str | None = None


def _out(command: Command) -> CommandOut:
    return CommandOut(
        command_id=command.id,
        station_id=command.station_id,
        action=command.action,
        connector_id=connector_of(command.payload),
        payload=json.loads(redact(command.payload)),
        state=command.state,
        status=command.status,
        answer=json.loads(redact(command.answer)) if command.answer else None,
        error=command.error,
        session_id=command.session_id,
        actor=command.actor,
        created_at=command.created_at,
        deadline_at=command.deadline_at,
        sent_at=command.sent_at,
        finished_at=command.finished_at,
        version=command.version,
    )


@router.post("/api/cms/stations/{station_id}/commands/{action}", status_code=202)
async def ask(
    station_id: Words,
    action: str,
    ctx: Ctx,
    who: access.Operator,
    payload: Annotated[dict[str, Any] | None, Body()] = None,
) -> AskedOut:
    """Send an OCPP command; the body is its payload. The outcome comes as `command.updated`."""
    if (own_route := NOT_BY_HAND.get(action)) is not None:
        raise Refused("has_its_own_route", f"Ask for {action} by {own_route}.", hint=own_route)
    encoded = ctx.commands.encode(action, payload or {})
    now = ctx.runtime.clock.now()
    async with ctx.database.transaction() as uow:
        await registry.get(uow, station_id, organisation_id=who.organisation_id)
        asked = await commands.ask(
            uow,
            station_id=station_id,
            action=action,
            payload=encoded,
            actor=who.actor,
            deadline_at=now + ANSWER_WITHIN,
            now=now,
            ids=ctx.runtime.ids,
        )
    return AskedOut(command_id=asked.id, state=asked.state, deadline_at=asked.deadline_at)


@router.get("/api/cms/stations/{station_id}/commands")
async def list_commands(
    station_id: Words, ctx: Ctx, who: access.Operator, limit: pagination.Limit = 50
) -> CommandList:
    """Newest first."""
    async with ctx.database.reading() as reader:
        await registry.get(reader, station_id, organisation_id=who.organisation_id)
        found = await commands.of_station(reader, station_id, limit=limit)
    return CommandList(items=[_out(one) for one in found])


@router.get("/api/cms/commands/{command_id}")
async def get_command(command_id: Words, ctx: Ctx, who: access.Operator) -> CommandOut:
    async with ctx.database.reading() as reader:
        found = await commands.get(reader, command_id)
    if found is None or who.organisation_id not in {None, found.organisation_id}:
        raise NotFound("unknown_command", f"There is no command {command_id!r}.")
    return _out(found)
