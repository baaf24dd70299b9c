"""The API's reference page, without an outside request: plain HTML from our own OpenAPI document."""

from html import escape
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

router = APIRouter(include_in_schema=False)
STYLE = "body{font:16px system-ui;max-width:60rem;margin:2rem auto;padding:0 1rem}code{background:#eee;padding:0 .3em}"


def _operation(path: str, method: str, operation: dict[str, Any]) -> str:
    told = escape(operation.get("description") or operation.get("summary", ""))
    return f"<h3><code>{method.upper()} {escape(path)}</code></h3><p>{told}</p>"


@router.get("/api/docs")
async def reference(request: Request) -> HTMLResponse:
    document = request.app.openapi()
    operations = "".join(
        _operation(path, method, operation)
        for path, methods in sorted(document["paths"].items())
        for method, operation in methods.items()
    )
    return HTMLResponse(
        f'<!doctype html><html lang="en"><title>Stationmaster API</title><style>{STYLE}</style>'
        f"<h1>Stationmaster API {escape(document['info']['version'])}</h1>"
        f'<p>Machine-readable: <a href="/api/openapi.json">openapi.json</a></p>{operations}</html>'
    )
