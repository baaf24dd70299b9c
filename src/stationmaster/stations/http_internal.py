"""What gateways ask over REST. Not for people: a shared secret opens it, and no page uses it."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import Field

from stationmaster.infra.http.context import Context, get
from stationmaster.infra.http.internal import internal
from stationmaster.infra.http.wire import Wire
from stationmaster.kernel.errors import NotFound
from stationmaster.stations import directory
from stationmaster.stations.model import Refusal

router = APIRouter(prefix="/internal", dependencies=[Depends(internal)], include_in_schema=False)

Ctx = Annotated[Context, Depends(get)]


class Record(Wire):
    """gateway.ports.StationRecord."""

    station_id: str
    charger_id: str
    security_profile: int
    key_digest: str | None
    is_archived: bool
    capture: bool
    epoch: int
    id_tokens: list[str]


class GatewayIn(Wire):
    gateway_id: str = Field(min_length=1, max_length=directory.TEXT_MAX)


class GatewayOut(Wire):
    number: int


class LeaseIn(Wire):
    gateway_id: str = Field(min_length=1, max_length=directory.TEXT_MAX)
    count: int = Field(ge=1, le=directory.LEASE_MAX)


class LeaseOut(Wire):
    transaction_ids: list[int]


class RefusalIn(Wire):
    """gateway.ports.RefusedHandshake."""

    station_id: str
    remote_address: str
    reason: str
    detail: str = ""
    gateway_id: str = ""
    count: int = Field(default=1, ge=1)
    at: datetime


@router.get("/stations/{identity:path}")
async def lookup(identity: str, ctx: Ctx) -> Record:
    """404 is a certain answer: nobody of that name is registered."""
    async with ctx.database.reading() as reader:
        entry = await directory.lookup(reader, identity, now=ctx.runtime.clock.now())
    if entry is None:
        raise NotFound("unknown_station", "There is no such charging station.")
    return Record.model_validate(entry)


@router.post("/gateways")
async def register(body: GatewayIn, ctx: Ctx) -> GatewayOut:
    async with ctx.database.transaction() as uow:
        number = await directory.register_gateway(
            uow, gateway_id=body.gateway_id, now=ctx.runtime.clock.now()
        )
    return GatewayOut(number=number)


@router.post("/transaction-ids")
async def lease(body: LeaseIn, ctx: Ctx) -> LeaseOut:
    async with ctx.database.transaction() as uow:
        return LeaseOut(transaction_ids=await directory.lease_transaction_ids(uow, count=body.count))


@router.post("/refusals", status_code=204)
async def refused(body: list[RefusalIn], ctx: Ctx) -> None:
    async with ctx.database.transaction() as uow:
        await directory.refused(uow, [Refusal(**one.model_dump()) for one in body])
