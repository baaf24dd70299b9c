"""Is it one of our own processes that asks? A shared secret says so."""

import hmac
from typing import Annotated, Final

from fastapi import Depends, Request

from stationmaster.infra.http.context import Context, get
from stationmaster.kernel.errors import Refused

OPTION: Final = "internal_secret"


async def internal(request: Request, ctx: Annotated[Context, Depends(get)]) -> None:
    """Compared in constant time; without a configured secret nobody is let in."""
    expected = str(ctx.options.get(OPTION) or "")
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    is_right = hmac.compare_digest(given.strip().encode(), expected.encode())
    if not (expected and scheme.lower() == "bearer" and is_right):
        raise Refused("not_internal", "This is for our own processes.", status=401)
