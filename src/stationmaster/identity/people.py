"""Organisations, operators, drivers: made, found, disabled."""

import re
from datetime import datetime
from typing import Any

from sqlalchemy import select, update

from stationmaster.identity import passwords
from stationmaster.identity.logins import normal_email
from stationmaster.identity.model import Organisation, Person
from stationmaster.identity.tables import login, organisation, person
from stationmaster.infra.db.database import Reader, UnitOfWork
from stationmaster.infra.db.values import columns_of, row_of, value_of
from stationmaster.kernel.errors import Invalid, NotFound, Refused
from stationmaster.kernel.ids import IdSource

_PERSON = columns_of(Person, person)
_ORGANISATION = columns_of(Organisation, organisation)

EMAIL_MAX = 254
DEFAULT_FEE_BPS = 1000

_CURRENCY = re.compile("[A-Z]{3}")


async def create_organisation(
    uow: UnitOfWork,
    *,
    name: str,
    currency: str = "INR",
    timezone: str = "Asia/Kolkata",
    platform_fee_bps: int = DEFAULT_FEE_BPS,
    now: datetime,
    ids: IdSource,
) -> Organisation:
    await _check_currency(uow, currency)
    made = Organisation(ids.new("org"), name, currency, timezone, platform_fee_bps, now)
    await uow.bulk_insert(organisation, [row_of(made)])
    return made


async def _check_currency(reader: Reader, currency: str) -> None:
    """The platform's fees, taxes and bank are accounts of one currency: the first organisation's."""
    if _CURRENCY.fullmatch(currency) is None:
        raise Invalid("bad_currency", "A currency is three capital letters, like INR.")
    oldest = select(organisation.c.currency).order_by(organisation.c.created_at, organisation.c.id).limit(1)
    first = (await reader.execute(oldest)).first()
    if first is not None and first.currency != currency:
        raise Invalid(
            "currency_mismatch",
            f"This platform's money is {first.currency}, not {currency}.",
            hint="currency",
        )


async def get_organisation(reader: Reader, organisation_id: str) -> Organisation:
    row = (await reader.execute(select(*_ORGANISATION).where(organisation.c.id == organisation_id))).first()
    if row is None:
        raise NotFound("unknown_organisation", f"There is no organisation {organisation_id!r}.")
    return value_of(Organisation, row)


async def list_organisations(reader: Reader, *, organisation_id: str | None = None) -> list[Organisation]:
    """By name; only one where the asker belongs to one."""
    query = select(*_ORGANISATION).order_by(organisation.c.name, organisation.c.id)
    if organisation_id is not None:
        query = query.where(organisation.c.id == organisation_id)
    return [value_of(Organisation, row) for row in (await reader.execute(query)).all()]


async def create_operator(
    uow: UnitOfWork,
    *,
    email: str,
    password: str,
    name: str = "",
    role: str = "operator",
    organisation_id: str | None = None,
    now: datetime,
    ids: IdSource,
) -> Person:
    """``role`` admin may manage people; ``organisation_id`` None is the whole platform."""
    if role not in {"admin", "operator"}:
        raise Invalid("bad_role", f"An operator cannot have the role {role!r}.")
    if organisation_id is not None:
        await get_organisation(uow, organisation_id)
    made = Person(
        ids.new("op"), "operator", role, organisation_id, checked_email(email), None, name, now, None
    )
    return await _insert(uow, made, await passwords.hash_of(password))


async def create_driver(
    uow: UnitOfWork,
    *,
    email: str,
    password: str | None = None,
    name: str = "",
    phone: str | None = None,
    now: datetime,
    ids: IdSource,
) -> Person:
    """A driver belongs to no organisation. Without a password there is no signing in, only a card."""
    stored = None if password is None else await passwords.hash_of(password)
    made = Person(ids.new("drv"), "driver", "driver", None, checked_email(email), phone, name, now, None)
    return await _insert(uow, made, stored)


async def _insert(uow: UnitOfWork, made: Person, password_hash: str | None) -> Person:
    if await find_by_email(uow, made.email or "") is not None:
        raise Refused("email_taken", "There is a person with this email address already.")
    if made.phone is not None:
        taken = await uow.execute(select(person.c.id).where(person.c.phone == made.phone))
        if taken.first() is not None:
            raise Refused("phone_taken", "There is a person with this telephone number already.")
    await uow.bulk_insert(person, [{**row_of(made), "password_hash": password_hash}])
    return made


def checked_email(email: str) -> str:
    """A plausible address; whether mail arrives is another question."""
    normal = normal_email(email)
    name, at, domain = normal.rpartition("@")
    if not (name and at and domain) or len(normal) > EMAIL_MAX or any(c.isspace() for c in normal):
        raise Invalid("bad_email", "This is no email address.")
    return normal


async def find(reader: Reader, person_id: str) -> Person | None:
    row = (await reader.execute(select(*_PERSON).where(person.c.id == person_id))).first()
    return None if row is None else value_of(Person, row)


async def find_by_email(reader: Reader, email: str) -> Person | None:
    row = (await reader.execute(select(*_PERSON).where(person.c.email == normal_email(email)))).first()
    return None if row is None else value_of(Person, row)


async def get_driver(reader: Reader, driver_id: str) -> Person:
    """Raises NotFound, also when this is an operator."""
    found = await find(reader, driver_id)
    if found is None or found.kind != "driver":
        raise NotFound("unknown_driver", f"There is no driver {driver_id!r}.")
    return found


async def list_operators(reader: Reader, *, organisation_id: str | None = None) -> list[Person]:
    """By email; only one organisation's where given."""
    query = select(*_PERSON).where(person.c.kind == "operator").order_by(person.c.email)
    if organisation_id is not None:
        query = query.where(person.c.organisation_id == organisation_id)
    return [value_of(Person, row) for row in (await reader.execute(query)).all()]


async def disable(uow: UnitOfWork, *, person_id: str, now: datetime) -> Person:
    """No signing in, and every login ends at once. What they did stays theirs."""
    await _set(uow, person_id, person.c.disabled_at.is_(None), disabled_at=now)
    await uow.execute(
        update(login)
        .where(login.c.person_id == person_id, login.c.revoked_at.is_(None))
        .values(revoked_at=now)
    )
    found = await find(uow, person_id)
    if found is None:
        raise NotFound("unknown_person", f"There is no person {person_id!r}.")
    return found


async def _set(uow: UnitOfWork, person_id: str, only: Any, **values: Any) -> None:
    await uow.execute(update(person).where(person.c.id == person_id, only).values(**values))
