"""Wallets over HTTP: what a driver sees of their money, and an operator's credits."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from pydantic import Field

from stationmaster.identity import access, people
from stationmaster.infra.db.database import UnitOfWork
from stationmaster.infra.http import pagination
from stationmaster.infra.http.context import Context, get
from stationmaster.infra.http.idempotency import HEADER, idempotent
from stationmaster.infra.http.wire import Body, Wire, WireTime, Words
from stationmaster.wallet import credits as wallet_credits
from stationmaster.wallet import wallets
from stationmaster.wallet.rules.postings import AMOUNT_MAX_MINOR

router = APIRouter(tags=["wallet"])

Ctx = Annotated[Context, Depends(get)]


class WalletOut(Wire):
    available_minor: int
    held_minor: int
    owed_minor: int
    currency: str


class LineOut(Wire):
    transaction_id: str
    kind: str
    text: str
    at: WireTime
    amount_minor: int
    balance_before_minor: int
    balance_after_minor: int
    currency: str
    reference_id: str | None
    session_id: str | None
    reason: str


class Statement(Wire):
    items: list[LineOut]
    next_cursor: str | None = None


class NewCredit(Body):
    amount_minor: int = Field(gt=0, le=AMOUNT_MAX_MINOR)
    reason: str = Field(min_length=1, max_length=200)


class CreditOut(WalletOut):
    transaction_id: str


@router.get("/api/user/wallet")
async def my_wallet(ctx: Ctx, who: access.Driver) -> WalletOut:
    """What I may spend, what is set apart, what I owe."""
    return await _wallet(ctx, who.person_id)


@router.get("/api/user/wallet/statement")
async def my_statement(
    ctx: Ctx, who: access.Driver, cursor: pagination.Cursor = None, limit: pagination.Limit = 50
) -> Statement:
    """Every movement of my wallet, newest first, with the balance before and after."""
    return await _statement(ctx, who.person_id, cursor, limit)


@router.get("/api/cms/wallets/{driver_id}")
async def wallet_of(driver_id: Words, ctx: Ctx, who: access.PlatformOperator) -> WalletOut:
    del who
    return await _wallet(ctx, driver_id)


@router.get("/api/cms/wallets/{driver_id}/statement")
async def statement_of(
    driver_id: Words,
    ctx: Ctx,
    who: access.PlatformOperator,
    cursor: pagination.Cursor = None,
    limit: pagination.Limit = 50,
) -> Statement:
    del who
    return await _statement(ctx, driver_id, cursor, limit)


@router.post("/api/cms/wallets/{driver_id}/credits", status_code=201, response_model=CreditOut)
async def credit(
    driver_id: Words, body: NewCredit, request: Request, ctx: Ctx, who: access.PlatformOperator
) -> Response:
    """Put money into a driver's wallet. Once per Idempotency-Key; what is owed is paid first."""
    scope = f"credit:{who.person_id}:{driver_id}"

    async def do(uow: UnitOfWork) -> dict[str, Any]:
        await people.get_driver(uow, driver_id)
        posted = await wallet_credits.credit(
            uow,
            driver_id=driver_id,
            amount_minor=body.amount_minor,
            currency=(await wallets.balance(uow, driver_id)).currency,
            reason=body.reason,
            actor=who.actor,
            key=f"{scope}:{request.headers[HEADER]}",
            now=ctx.runtime.clock.now(),
            ids=ctx.runtime.ids,
        )
        have = WalletOut.model_validate(await wallets.balance(uow, driver_id))
        answer = CreditOut(**have.model_dump(), transaction_id=posted.public_id)
        return answer.model_dump(mode="json", by_alias=True)

    return await idempotent(request, ctx, scope, body.model_dump(), do, status=201)


async def _wallet(ctx: Context, driver_id: str) -> WalletOut:
    async with ctx.database.reading() as reader:
        await people.get_driver(reader, driver_id)
        return WalletOut.model_validate(await wallets.balance(reader, driver_id))


async def _statement(ctx: Context, driver_id: str, cursor: str | None, limit: int) -> Statement:
    before = pagination.place(cursor, int)
    async with ctx.database.reading() as reader:
        await people.get_driver(reader, driver_id)
        lines = await wallets.statement(
            reader, driver_id, before=before[0] if before else None, limit=limit + 1
        )
    more = pagination.encode([lines[limit - 1].id]) if len(lines) > limit else None
    return Statement(items=[LineOut.model_validate(line) for line in lines[:limit]], next_cursor=more)
