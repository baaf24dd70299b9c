"""Organisations, operators and drivers over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import Field

from stationmaster.identity import access, passwords, people
from stationmaster.identity.http import PersonOut
from stationmaster.identity.model import Person
from stationmaster.infra.http.context import Context, get
from stationmaster.infra.http.wire import Body, Wire, WireTime
from stationmaster.kernel.errors import Forbidden, NotFound

router = APIRouter(tags=["identity"])

Ctx = Annotated[Context, Depends(get)]


class OrganisationOut(Wire):
    id: str
    name: str
    currency: str
    timezone: str
    platform_fee_bps: int


class OrganisationList(Wire):
    items: list[OrganisationOut]
    next_cursor: str | None = None


class NewOrganisation(Body):
    name: str = Field(min_length=1, max_length=100)
    currency: str = Field(default="INR", pattern="^[A-Z]{3}$")
    timezone: str = Field(default="Asia/Kolkata", max_length=64)
    platform_fee_bps: int = Field(default=people.DEFAULT_FEE_BPS, ge=0, le=10_000)


class NewOperator(Body):
    email: str = Field(max_length=people.EMAIL_MAX)
    password: str = Field(max_length=passwords.LENGTH_MAX)
    name: str = Field(default="", max_length=100)
    role: str = "operator"
    organisation_id: str | None = None


class NewDriver(Body):
    email: str = Field(max_length=people.EMAIL_MAX)
    password: str | None = Field(default=None, max_length=passwords.LENGTH_MAX)
    name: str = Field(default="", max_length=100)
    phone: str | None = Field(default=None, max_length=32)


class PersonDetail(PersonOut):
    created_at: WireTime
    disabled_at: WireTime | None


class OperatorList(Wire):
    items: list[PersonDetail]
    next_cursor: str | None = None


def _person(person: Person) -> PersonDetail:
    return PersonDetail(
        id=person.id,
        name=person.name,
        email=person.email or "",
        role=person.role,
        kind=person.kind,
        organisation_id=person.organisation_id,
        created_at=person.created_at,
        disabled_at=person.disabled_at,
    )


@router.get("/api/cms/organisations")
async def list_organisations(ctx: Ctx, who: access.Operator) -> OrganisationList:
    async with ctx.database.reading() as reader:
        found = await people.list_organisations(reader, organisation_id=who.organisation_id)
    return OrganisationList(items=[OrganisationOut.model_validate(one) for one in found])


@router.post("/api/cms/organisations", status_code=201)
async def create_organisation(body: NewOrganisation, ctx: Ctx, who: access.Admin) -> OrganisationOut:
    if not who.is_platform_admin:
        raise Forbidden("platform_only", "Only the platform's admins make organisations.")
    async with ctx.database.transaction() as uow:
        made = await people.create_organisation(
            uow, **body.model_dump(), now=ctx.runtime.clock.now(), ids=ctx.runtime.ids
        )
    return OrganisationOut.model_validate(made)


@router.get("/api/cms/operators")
async def list_operators(ctx: Ctx, who: access.Admin) -> OperatorList:
    async with ctx.database.reading() as reader:
        found = await people.list_operators(reader, organisation_id=who.organisation_id)
    return OperatorList(items=[_person(one) for one in found])


@router.post("/api/cms/operators", status_code=201)
async def create_operator(body: NewOperator, ctx: Ctx, who: access.Admin) -> PersonDetail:
    """In one's own organisation; a platform admin names one, or none for an operator of the whole
    platform."""
    if who.organisation_id is not None:
        body.organisation_id = access.organisation_for(who, body.organisation_id)
    async with ctx.database.transaction() as uow:
        made = await people.create_operator(
            uow, **body.model_dump(), now=ctx.runtime.clock.now(), ids=ctx.runtime.ids
        )
    return _person(made)


@router.post("/api/cms/operators/{person_id}/disable")
async def disable_operator(person_id: str, ctx: Ctx, who: access.Admin) -> PersonDetail:
    """They cannot sign in any more, and are signed out everywhere."""
    if person_id == who.person_id:
        raise Forbidden("not_yourself", "Somebody else must disable you.")
    async with ctx.database.transaction() as uow:
        found = await people.find(uow, person_id)
        if (
            found is None
            or found.kind != "operator"
            or who.organisation_id not in {None, found.organisation_id}
        ):
            raise NotFound("unknown_person", f"There is no operator {person_id!r}.")
        return _person(await people.disable(uow, person_id=person_id, now=ctx.runtime.clock.now()))


@router.post("/api/cms/drivers", status_code=201)
async def create_driver(body: NewDriver, ctx: Ctx, who: access.PlatformOperator) -> PersonDetail:
    del who
    async with ctx.database.transaction() as uow:
        made = await people.create_driver(
            uow, **body.model_dump(), now=ctx.runtime.clock.now(), ids=ctx.runtime.ids
        )
    return _person(made)


@router.post("/api/cms/drivers/{person_id}/disable")
async def disable_driver(person_id: str, ctx: Ctx, who: access.PlatformOperator) -> PersonDetail:
    """They cannot sign in any more; a running charge goes on and is settled."""
    del who
    async with ctx.database.transaction() as uow:
        await people.get_driver(uow, person_id)
        return _person(await people.disable(uow, person_id=person_id, now=ctx.runtime.clock.now()))
