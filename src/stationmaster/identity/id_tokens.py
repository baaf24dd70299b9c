"""Cards and apps that identify a driver to a station. Each has a payer."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import select, update

from stationmaster.identity import people
from stationmaster.identity.model import IdToken
from stationmaster.identity.rules.id_token import check_token, normal
from stationmaster.identity.tables import id_token
from stationmaster.infra.db.among import among
from stationmaster.infra.db.database import Reader, UnitOfWork
from stationmaster.infra.db.values import columns_of, row_of, value_of
from stationmaster.kernel.errors import Invalid, NotFound, Refused
from stationmaster.kernel.ids import IdSource

_COLUMNS = columns_of(IdToken, id_token)

OPERATOR_TOKENS_MAX = 50
"""Told to gateways for the time without a backend: an operator's few cards, not a card index."""


async def register(
    uow: UnitOfWork,
    *,
    token: str,
    organisation_id: str,
    payer_kind: str,
    driver_id: str | None = None,
    payer_reason: str | None = None,
    kind: str = "rfid",
    expires_at: datetime | None = None,
    is_operator: bool = False,
    now: datetime,
    ids: IdSource,
) -> IdToken:
    """``payer_kind``: wallet (of the driver), organisation, or free with a reason."""
    written = check_token(token)
    await people.get_organisation(uow, organisation_id)
    await _check_payer(uow, payer_kind, driver_id=driver_id, payer_reason=payer_reason)
    if await find(uow, written) is not None:
        raise Refused("id_token_taken", f"The idToken {written!r} is registered already.")
    made = IdToken(
        ids.new("tok"),
        written,
        kind,
        organisation_id,
        driver_id,
        payer_kind,
        payer_reason,
        "Accepted",
        expires_at,
        is_operator,
        now,
    )
    await uow.bulk_insert(id_token, [row_of(made)])
    return made


async def _check_payer(
    reader: Reader, payer_kind: str, *, driver_id: str | None, payer_reason: str | None
) -> None:
    if payer_kind not in {"wallet", "organisation", "free"}:
        raise Invalid("bad_payer", f"There is no payer {payer_kind!r}.")
    if payer_kind == "wallet" and driver_id is None:
        raise Invalid("bad_payer", "A wallet belongs to a driver: name one.")
    if payer_kind == "free" and not payer_reason:
        raise Invalid("bad_payer", "Say why it is free.")
    if driver_id is not None:
        await people.get_driver(reader, driver_id)


async def find(reader: Reader, token: str) -> IdToken | None:
    """Without regard to case."""
    return (await find_many(reader, [token])).get(normal(token))


async def find_many(reader: Reader, tokens: Collection[str]) -> dict[str, IdToken]:
    """By their normal form, for a whole batch in one query."""
    wanted = sorted({normal(token) for token in tokens})
    if not wanted:
        return {}
    rows = await reader.execute(select(*_COLUMNS).where(among(id_token.c.token, wanted)))
    return {row.token: value_of(IdToken, row) for row in rows.all()}


async def list_tokens(
    reader: Reader,
    *,
    organisation_id: str | None = None,
    driver_id: str | None = None,
    after: str | None = None,
    limit: int = 50,
) -> list[IdToken]:
    """By token, ascending."""
    query = select(*_COLUMNS).order_by(id_token.c.token).limit(limit)
    if organisation_id is not None:
        query = query.where(id_token.c.organisation_id == organisation_id)
    if driver_id is not None:
        query = query.where(id_token.c.driver_id == driver_id)
    if after is not None:
        query = query.where(id_token.c.token > after)
    return [value_of(IdToken, row) for row in (await reader.execute(query)).all()]


async def of_operators(reader: Reader, *, organisation_id: str) -> list[str]:
    """The tokens that an organisation's own people carry."""
    rows = await reader.execute(
        select(id_token.c.token)
        .where(
            id_token.c.organisation_id == organisation_id,
            id_token.c.is_operator,
            id_token.c.status == "Accepted",
        )
        .order_by(id_token.c.token)
        .limit(OPERATOR_TOKENS_MAX)
    )
    return [row.token for row in rows.all()]


async def set_status(
    uow: UnitOfWork, *, id_token_id: str, status: str, organisation_id: str | None = None
) -> IdToken:
    """Accepted or Blocked. Raises NotFound, also for another organisation's token."""
    if status not in {"Accepted", "Blocked"}:
        raise Invalid("bad_status", f"An idToken cannot be {status!r}.")
    here = [id_token.c.id == id_token_id]
    if organisation_id is not None:
        here.append(id_token.c.organisation_id == organisation_id)
    await uow.execute(update(id_token).where(*here).values(status=status))
    row = (await uow.execute(select(*_COLUMNS).where(*here))).first()
    if row is None:
        raise NotFound("unknown_id_token", f"There is no idToken {id_token_id!r}.")
    return value_of(IdToken, row)
