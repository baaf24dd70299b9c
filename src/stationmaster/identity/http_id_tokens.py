"""idTokens over HTTP: the cards and apps, and who pays for each."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import Field

from stationmaster.identity import access, id_tokens
from stationmaster.infra.http import pagination
from stationmaster.infra.http.context import Context, get
from stationmaster.infra.http.wire import Body, Wire, WireTime, Words
from stationmaster.kernel.errors import Forbidden

router = APIRouter(tags=["identity"])

Ctx = Annotated[Context, Depends(get)]


class IdTokenOut(Wire):
    id: str
    token: str
    kind: str
    organisation_id: str
    driver_id: str | None
    payer_kind: str
    payer_reason: str | None
    status: str
    expires_at: WireTime | None
    is_operator: bool


class IdTokenList(Wire):
    items: list[IdTokenOut]
    next_cursor: str | None = None


class NewIdToken(Body):
    token: str = Field(min_length=1, max_length=36)
    payer_kind: str
    driver_id: str | None = None
    payer_reason: str | None = Field(default=None, max_length=200)
    kind: str = Field(default="rfid", max_length=20)
    organisation_id: str | None = None
    expires_at: datetime | None = None
    is_operator: bool = False


class IdTokenChange(Body):
    status: str


@router.get("/api/cms/id-tokens")
async def list_id_tokens(
    ctx: Ctx,
    who: access.Operator,
    driver_id: Annotated[Words | None, Query(alias="driverId")] = None,
    cursor: pagination.Cursor = None,
    limit: pagination.Limit = 50,
) -> IdTokenList:
    after = pagination.place(cursor, str)
    async with ctx.database.reading() as reader:
        found = await id_tokens.list_tokens(
            reader,
            organisation_id=who.organisation_id,
            driver_id=driver_id,
            after=after[0] if after else None,
            limit=limit + 1,
        )
    more = pagination.encode([found[limit - 1].token]) if len(found) > limit else None
    return IdTokenList(items=[IdTokenOut.model_validate(one) for one in found[:limit]], next_cursor=more)


@router.post("/api/cms/id-tokens", status_code=201)
async def register_id_token(body: NewIdToken, ctx: Ctx, who: access.Operator) -> IdTokenOut:
    """A card or app with its payer: a driver's wallet, an organisation, or free with a reason."""
    if body.driver_id is not None and who.organisation_id is not None:
        # Whoever ties a card to a driver can spend that driver's money at their own stations.
        raise Forbidden("platform_only", "Drivers and their wallets are the platform's.")
    values = body.model_dump(exclude={"organisation_id", "expires_at"})
    async with ctx.database.transaction() as uow:
        made = await id_tokens.register(
            uow,
            **values,
            organisation_id=access.organisation_for(who, body.organisation_id),
            expires_at=access.aware(body.expires_at),
            now=ctx.runtime.clock.now(),
            ids=ctx.runtime.ids,
        )
    return IdTokenOut.model_validate(made)


@router.patch("/api/cms/id-tokens/{id_token_id}")
async def change_id_token(
    id_token_id: Words, body: IdTokenChange, ctx: Ctx, who: access.Operator
) -> IdTokenOut:
    """Block it, or accept it again."""
    async with ctx.database.transaction() as uow:
        changed = await id_tokens.set_status(
            uow, id_token_id=id_token_id, status=body.status, organisation_id=who.organisation_id
        )
    return IdTokenOut.model_validate(changed)
