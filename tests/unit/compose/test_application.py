"""The application as it is put together: every route, its doors and its bounds."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute

from stationmaster.api import app as api_app
from stationmaster.api.bounds import BODY_MAX_BYTES
from stationmaster.compose.adapters import make_parts
from stationmaster.compose.api_role import context_of
from stationmaster.compose.secrets import Secrets
from stationmaster.compose.settings import Settings
from stationmaster.infra.db import migrate

OPEN = {
    "/health",
    "/health/live",
    "/metrics",
    "/api/docs",
    "/{path:path}",
    "/api/auth/login",
    "/api/auth/token",
    "/api/auth/logout",
}
"""Doors that need no sign-in: signing in and out, health, the pages themselves."""
A_BODY: dict[str, Any] = {}


@pytest.fixture
async def application(tmp_path: Path) -> AsyncIterator[FastAPI]:
    parts = make_parts(
        Settings(data_dir=tmp_path), Secrets(b"pepper", "internal secret"), role="test", with_database=True
    )
    assert parts.database is not None
    migrate.upgrade(parts.settings.database)
    await parts.database.start()
    yield api_app.build(context_of(parts), origins=[], checks={})
    await parts.database.stop()


def _client(application: FastAPI) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(application), base_url="http://test")


def _routes(routes: Any, prefix: str = "") -> Iterator[tuple[str, str]]:
    """(method, path) of every operation, in nested routers too."""
    for route in routes:
        if isinstance(route, APIRoute):
            for method in route.methods or ():
                yield method, prefix + route.path
        elif hasattr(route, "routes"):
            yield from _routes(route.routes, prefix)


@pytest.mark.anyio
async def test_every_route_but_the_open_ones_asks_who_is_there(application: FastAPI) -> None:
    """Deny by default: a new route without a dependency on a person is found here."""
    operations = {
        (method.upper(), path)
        for path, methods in application.openapi()["paths"].items()
        for method in methods
    } | set(_routes(application.routes))
    assert len(operations) > 40
    async with _client(application) as http:
        for method, path in sorted(operations):
            if path in OPEN or method == "HEAD":
                continue
            concrete = path.replace(":path", "").replace("{", "").replace("}", "")
            answer = await http.request(method, concrete, json=A_BODY if method != "GET" else None)
            assert answer.status_code == 401, f"{method} {path}: {answer.status_code} {answer.text[:200]}"


@pytest.mark.anyio
async def test_a_body_is_bounded_as_it_arrives(application: FastAPI) -> None:
    """Without a content-length too."""

    async def endless() -> AsyncIterator[bytes]:
        for _ in range(BODY_MAX_BYTES // 65536 + 2):
            yield b"x" * 65536

    async with _client(application) as http:
        for content in (b"x" * (BODY_MAX_BYTES + 1), endless()):
            answer = await http.post(
                "/api/auth/login", content=content, headers={"content-type": "application/json"}
            )
            assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


@pytest.mark.anyio
async def test_pages_carry_their_policy_and_unknown_addresses_of_the_api_are_problems(
    application: FastAPI,
) -> None:
    async with _client(application) as http:
        page = await http.get("/")
        assert "script-src 'self'" in page.headers["content-security-policy"]
        answer = await http.get("/api/nothing")
        assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
        assert answer.json()["requestId"] == answer.headers["x-request-id"]
