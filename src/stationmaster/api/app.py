"""The HTTP application: every room's routes, the pages, health and metrics, and Socket.IO beside them."""

import time
from collections.abc import Awaitable, Callable
from types import ModuleType
from typing import Any

import structlog
from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.middleware.cors import CORSMiddleware
from prometheus_client import Histogram

from stationmaster import __version__, views
from stationmaster.api import docs, health, pages
from stationmaster.api.bounds import BodyBounds
from stationmaster.api.security import SecurityHeaders
from stationmaster.infra.discovery import modules
from stationmaster.infra.http import problem
from stationmaster.infra.http.context import Context

log = structlog.get_logger()

SECONDS = Histogram("stationmaster_http_seconds", "Time to answer a request", ["method", "route", "status"])
ROOMS = ("identity", "stations", "frames", "tariffs", "wallet", "payments", "charging", "analytics")


def build(context: Context, *, origins: list[str], checks: dict[str, health.Check]) -> FastAPI:
    """The application over a context; ``checks`` are the reasons readiness can fail, by name."""
    app = FastAPI(
        title="Stationmaster",
        version=__version__,
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/openapi.json",
        summary="Charging station management: OCPP in, money exact, everything live.",
    )
    app.state.context = context
    problem.install(app)
    app.middleware("http")(_observe)
    app.add_middleware(BodyBounds)
    app.add_middleware(SecurityHeaders)
    if origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=origins,
            allow_credentials=True,
            allow_methods=["*"],
            allow_headers=["content-type", "x-csrf-token", "idempotency-key", "authorization"],
        )
    for router in _routers():
        app.include_router(router)
    app.include_router(health.router(checks))
    app.include_router(docs.router)
    pages.mount(app)
    return app


def _routers() -> list[APIRouter]:
    """`router` of every `<room>/http*.py` and of every file in views/."""
    found: list[ModuleType] = []
    for room in ROOMS:
        found += [
            m for m in modules(f"stationmaster.{room}") if m.__name__.rpartition(".")[2].startswith("http")
        ]
    found += modules(views.__name__)
    return [module.router for module in found if hasattr(module, "router")]


async def _observe(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    """One line and one measurement per request; a bug becomes a 500 problem with the request's id."""
    context: Context = request.app.state.context
    request.state.request_id = request.headers.get("x-request-id", "")[:64] or context.runtime.ids.token(12)
    begun = time.perf_counter()
    try:
        response = await call_next(request)
    except Exception as error:
        log.error(
            "request.failed", path=request.url.path, request_id=request.state.request_id, exc_info=error
        )
        response = problem.problem(request, 500, "internal_error", "This is our mistake; it was recorded.")
    elapsed = time.perf_counter() - begun
    response.headers["X-Request-Id"] = request.state.request_id
    route: Any = request.scope.get("route")
    SECONDS.labels(request.method, getattr(route, "path", "-"), response.status_code).observe(elapsed)
    log.debug(
        "request",
        method=request.method,
        path=request.url.path,
        status=response.status_code,
        ms=round(elapsed * 1000, 1),
        request_id=request.state.request_id,
    )
    return response
