"""Signing in and out over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from pydantic import Field

from stationmaster.identity import access, logins, passwords, people, sign_in_limit
from stationmaster.identity.model import Principal, SignedIn
from stationmaster.infra.http.context import Context, get
from stationmaster.infra.http.wire import Body, Wire, WireTime

router = APIRouter(tags=["identity"])

Ctx = Annotated[Context, Depends(get)]


class PersonOut(Wire):
    id: str
    name: str
    email: str
    role: str
    kind: str
    organisation_id: str | None


class SignedInOut(Wire):
    person: PersonOut
    csrf_token: str


class TokenOut(Wire):
    access_token: str
    expires_at: WireTime
    person: PersonOut


class Credentials(Body):
    email: str = Field(min_length=1, max_length=people.EMAIL_MAX)
    password: str = Field(min_length=1, max_length=passwords.LENGTH_MAX)


def _who(principal: Principal) -> PersonOut:
    return PersonOut(
        id=principal.person_id,
        name=principal.name,
        email=principal.email,
        role=principal.role,
        kind=principal.kind,
        organisation_id=principal.organisation_id,
    )


async def _sign_in(ctx: Context, request: Request, body: Credentials, kind: str) -> SignedIn:
    """The password takes its time outside of any database transaction."""
    address = request.client.host if request.client is not None else ""
    key = sign_in_limit.key_of(address=address, email=logins.normal_email(body.email))
    await sign_in_limit.count_attempt(ctx.cache, key)
    async with ctx.database.reading() as reader:
        candidate = await logins.find_candidate(reader, body.email)
    if not await passwords.is_right(body.password, candidate.password_hash) or candidate.person_id is None:
        raise logins.wrong_credentials()
    await sign_in_limit.forget(ctx.cache, key)
    async with ctx.database.transaction() as uow:
        return await logins.issue(
            uow, person_id=candidate.person_id, kind=kind, now=ctx.runtime.clock.now(), ids=ctx.runtime.ids
        )


@router.post("/api/auth/login")
async def login(body: Credentials, request: Request, response: Response, ctx: Ctx) -> SignedInOut:
    """For browsers: the login is in a cookie that scripts cannot read."""
    done = await _sign_in(ctx, request, body, "cookie")
    response.set_cookie(
        access.COOKIE,
        done.secret,
        max_age=int(logins.LIFETIME["cookie"].total_seconds()),
        httponly=True,
        samesite="lax",
        secure=request.url.scheme == "https",
        path="/",
    )
    return SignedInOut(person=_who(done.principal), csrf_token=done.csrf_token)


@router.post("/api/auth/token")
async def token(body: Credentials, request: Request, ctx: Ctx) -> TokenOut:
    """For programs: the login as a bearer token."""
    done = await _sign_in(ctx, request, body, "bearer")
    return TokenOut(access_token=done.secret, expires_at=done.expires_at, person=_who(done.principal))


@router.post("/api/auth/logout", status_code=204)
async def logout(response: Response, ctx: Ctx, who: access.SignedIn) -> None:
    """The login is worth nothing from now on."""
    async with ctx.database.transaction() as uow:
        await logins.sign_out(uow, login_id=who.login_id, now=ctx.runtime.clock.now())
    response.delete_cookie(access.COOKIE, path="/")


@router.get("/api/auth/me")
async def me(who: access.SignedIn) -> SignedInOut:
    """Who is signed in, with the CSRF token for a page that was loaded anew."""
    return SignedInOut(person=_who(who), csrf_token=who.csrf_token)
