"""Is this process alive, may it get work, and if not, why not?"""

import asyncio
from collections.abc import Awaitable, Callable

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from stationmaster import __version__
from stationmaster.infra.http.wire import Wire
from stationmaster.kernel.errors import StationmasterError

CHECK_WITHIN_S = 2.0

Check = Callable[[], Awaitable[None]]
"""Raises with the reason when the thing it checks is not as it should be."""


class Health(Wire):
    """``live``: the process answers. ``ready``: everything it needs answers too; else the reasons."""

    status: str
    live: bool
    ready: bool
    reasons: list[str]
    version: str


async def examine(checks: dict[str, Check]) -> Health:
    """Run every check side by side, each within two seconds."""
    reasons = [
        reason for reason in await asyncio.gather(*(_reason(n, c) for n, c in checks.items())) if reason
    ]
    return Health(
        status="unhealthy" if reasons else "healthy",
        live=True,
        ready=not reasons,
        reasons=reasons,
        version=__version__,
    )


async def _reason(name: str, check: Check) -> str:
    try:
        async with asyncio.timeout(CHECK_WITHIN_S):
            await check()
    except TimeoutError:
        return f"{name}: no answer within {CHECK_WITHIN_S:.0f} s"
    except (StationmasterError, OSError) as error:
        return f"{name}: {error}"
    return ""


def router(checks: dict[str, Check]) -> APIRouter:
    routes = APIRouter(tags=["health"])

    @routes.get("/health")
    async def health(response: Response) -> Health:
        found = await examine(checks)
        response.status_code = 200 if found.ready else 503
        return found

    @routes.get("/health/live")
    async def live() -> dict[str, bool]:
        return {"live": True}

    @routes.get("/metrics", include_in_schema=False)
    async def metrics() -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    return routes
