"""Who is asking, and may they? FastAPI dependencies for every room's routes."""

from datetime import UTC, datetime
from typing import Annotated, Final

from fastapi import Depends, Request

from stationmaster.identity import logins
from stationmaster.identity.model import Principal
from stationmaster.infra.http.context import Context, get
from stationmaster.kernel.errors import Forbidden, Invalid, Refused

COOKIE: Final = "stationmaster_login"
CSRF_HEADER: Final = "X-CSRF-Token"
SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})


def _secret_of(request: Request) -> tuple[str, bool]:
    """The login's secret, and whether a browser sent it by itself (the cookie)."""
    scheme, _, secret = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and secret:
        return secret.strip(), False
    return request.cookies.get(COOKIE, ""), True


async def signed_in(request: Request, ctx: Annotated[Context, Depends(get)]) -> Principal:
    """Anybody with a living login. A cookie travels by itself, so what changes something must also name the
    CSRF token, which another site cannot know."""
    secret, is_cookie = _secret_of(request)
    who = None
    if secret:
        async with ctx.database.reading() as reader:
            who = await logins.authenticate(reader, secret=secret, now=ctx.runtime.clock.now())
    if who is None:
        raise Refused("not_signed_in", "Sign in first.", status=401)
    if is_cookie and request.method not in SAFE_METHODS:
        _check_csrf(request, who)
    return who


def _check_csrf(request: Request, who: Principal) -> None:
    if not logins.is_same_token(request.headers.get(CSRF_HEADER, ""), who.csrf_token):
        raise Forbidden(
            "csrf_token_missing",
            "The request does not prove that it comes from our own pages.",
            hint=f"Send the csrfToken of the sign-in as {CSRF_HEADER}.",
        )


SignedIn = Annotated[Principal, Depends(signed_in)]


async def operator(who: SignedIn) -> Principal:
    """Operators and admins."""
    if who.kind != "operator":
        raise Forbidden("operators_only", "This is for operators.")
    return who


async def driver(who: SignedIn) -> Principal:
    """Drivers."""
    if who.kind != "driver":
        raise Forbidden("drivers_only", "This is for drivers.")
    return who


Operator = Annotated[Principal, Depends(operator)]
Driver = Annotated[Principal, Depends(driver)]


async def admin(who: Operator) -> Principal:
    """Whoever manages people: of one organisation, or of the platform."""
    if who.role != "admin":
        raise Forbidden("admins_only", "This is for admins.")
    return who


async def platform_operator(who: Operator) -> Principal:
    """Operators who belong to no single organisation: drivers and their money are the platform's."""
    if who.organisation_id is not None:
        raise Forbidden("platform_only", "This is for the platform's own operators.")
    return who


Admin = Annotated[Principal, Depends(admin)]
PlatformOperator = Annotated[Principal, Depends(platform_operator)]


def organisation_for(who: Principal, asked: str | None) -> str:
    """Whose a new thing is: the operator's own organisation, or the one a platform operator names."""
    if who.organisation_id is not None:
        if asked not in {None, who.organisation_id}:
            raise Forbidden("other_organisation", "This belongs to another organisation.")
        return who.organisation_id
    if asked is None:
        raise Invalid("organisation_missing", "Say which organisation it belongs to.", hint="organisationId")
    return asked


def aware(at: datetime | None) -> datetime | None:
    """A time from a request; one without a zone is read as UTC."""
    if at is None or at.tzinfo is not None:
        return at
    return at.replace(tzinfo=UTC)
