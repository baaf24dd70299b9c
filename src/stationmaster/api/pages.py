"""The two web applications, out of the package; a readable page when they were not built."""

from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, Response
from starlette.exceptions import HTTPException
from starlette.staticfiles import NotModifiedResponse, StaticFiles
from starlette.types import Scope

STATIC = Path(__file__).parent / "static"
NOT_BUILT = """<!doctype html><html lang="en"><title>Stationmaster</title>
<h1>The pages are not built</h1>
<p>The API works, but this installation has no user interface yet. In a source checkout run
<code>make ui</code> and reload.</p></html>"""
A_YEAR = "public, max-age=31536000, immutable"


class _Assets(StaticFiles):
    """Hashed files: for a year; sent compressed where the browser takes it and the build left a .gz."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        headers = dict(scope["headers"])
        zipped = f"{path}.gz"
        if b"gzip" in headers.get(b"accept-encoding", b"") and (Path(str(self.directory)) / zipped).is_file():
            response = await super().get_response(zipped, scope)
            if not isinstance(response, NotModifiedResponse):
                response.headers["content-encoding"] = "gzip"
                response.headers["content-type"] = _type_of(path)
        else:
            response = await super().get_response(path, scope)
        response.headers["cache-control"] = A_YEAR
        response.headers["vary"] = "accept-encoding"
        return response


def _type_of(path: str) -> str:
    return {
        ".js": "text/javascript",
        ".css": "text/css",
        ".svg": "image/svg+xml",
        ".json": "application/json",
    }.get(Path(path).suffix, "application/octet-stream")


def _page(name: str) -> Response:
    file = STATIC / name
    if not file.is_file():
        return HTMLResponse(NOT_BUILT, status_code=503)
    return HTMLResponse(file.read_text(encoding="utf-8"), headers={"cache-control": "no-cache"})


def mount(app: FastAPI) -> None:
    """Assets, the driver's entry under /driver, the operator's everywhere else (the router lives in the browser)."""
    if (STATIC / "assets").is_dir():
        app.mount("/assets", _Assets(directory=STATIC / "assets"), name="assets")

    @app.get("/{path:path}", include_in_schema=False)
    async def page(request: Request, path: str) -> Response:
        first = path.partition("/")[0]
        if first in {"api", "internal", "assets", "socket.io", "metrics"}:
            raise HTTPException(404, "There is nothing at this address.")
        if path and (STATIC / path).is_file() and ".." not in path:
            return await StaticFiles(directory=STATIC).get_response(path, request.scope)
        return _page("driver/index.html" if first in {"driver", "c"} else "index.html")
