"""Who are the drivers, and what do they have? To find one and start for them, or to credit one.

A driver belongs to no organisation. Organisations' operators see the name and address of those who charged at
their stations; everybody else, money and telephone are between the driver and the platform.
"""

from typing import Annotated, Any

from fastapi import APIRouter, Depends
from sqlalchemy import and_, exists, func, literal, null, or_, select

from stationmaster.charging.tables import charging_session
from stationmaster.identity import access
from stationmaster.identity.tables import person
from stationmaster.infra.http import pagination
from stationmaster.infra.http.context import Context, get
from stationmaster.infra.http.wire import Wire
from stationmaster.views import asking
from stationmaster.wallet.rules import accounts
from stationmaster.wallet.tables import ledger_account
from stationmaster.wallet.wallets import DEFAULT_CURRENCY

router = APIRouter(tags=["screens"])

Ctx = Annotated[Context, Depends(get)]


class DriverOut(Wire):
    """Null where it is not the asker's business."""

    id: str
    name: str
    email: str
    phone: str | None
    is_disabled: bool
    available_minor: int | None
    held_minor: int | None
    currency: str | None


class DriverPage(Wire):
    items: list[DriverOut]
    next_cursor: str | None = None


@router.get("/api/cms/drivers")
async def list_drivers(
    ctx: Ctx,
    who: access.Operator,
    search: asking.Words = "",
    cursor: pagination.Cursor = None,
    limit: pagination.Limit = asking.PAGE,
) -> DriverPage:
    """By name."""
    is_platform = who.organisation_id is None
    query = _with_money() if is_platform else _without_money()
    query = query.where(person.c.kind == "driver")
    if not is_platform:
        charged_here = charging_session.c.organisation_id == who.organisation_id
        query = query.where(exists().where(charging_session.c.driver_id == person.c.id, charged_here))
    if search:
        columns = (person.c.name, person.c.email, person.c.id, *([person.c.phone] if is_platform else []))
        query = query.where(or_(*(column.icontains(search, autoescape=True) for column in columns)))
    if after := asking.place(cursor, str, str):
        name, id_ = after
        query = query.where(or_(person.c.name > name, and_(person.c.name == name, person.c.id > id_)))
    async with ctx.database.reading() as reader:
        found = await reader.execute(query.order_by(person.c.name, person.c.id).limit(limit + 1))
        rows = found.all()
    items = [DriverOut.model_validate(row) for row in rows[:limit]]
    more = pagination.encode([items[-1].name, items[-1].id]) if len(rows) > limit else None
    return DriverPage(items=items, next_cursor=more)


_PERSON = (
    person.c.id,
    person.c.name,
    func.coalesce(person.c.email, "").label("email"),
    person.c.disabled_at.is_not(None).label("is_disabled"),
)


def _without_money() -> Any:
    hidden = (null().label(name) for name in ("phone", "available_minor", "held_minor", "currency"))
    return select(*_PERSON, *hidden)


def _with_money() -> Any:
    """By the accounts' counters, which the ledger's triggers keep. Who never had money has no account."""
    wallet, hold = ledger_account.alias("wallet"), ledger_account.alias("hold")
    currency = func.coalesce(wallet.c.currency, hold.c.currency, DEFAULT_CURRENCY)
    return (
        select(
            *_PERSON,
            person.c.phone,
            func.coalesce(wallet.c.credits - wallet.c.debits, 0).label("available_minor"),
            func.coalesce(hold.c.credits - hold.c.debits, 0).label("held_minor"),
            currency.label("currency"),
        )
        .outerjoin(wallet, wallet.c.code == literal(accounts.wallet("")) + person.c.id)
        .outerjoin(hold, hold.c.code == literal(accounts.hold("")) + person.c.id)
    )
