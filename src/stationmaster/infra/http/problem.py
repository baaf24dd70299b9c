"""Errors on the wire: RFC 9457 problem bodies with a stable code, a hint and the request's id."""

from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from stationmaster.kernel.errors import StationmasterError, Unavailable

RETRY_AFTER_S = 2


def problem(request: Request, status: int, code: str, detail: str, **extra: Any) -> JSONResponse:
    """A problem body. ``extra`` are further members: hint, errors, parameters."""
    body = {
        "type": f"about:blank#{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": code,
        "detail": detail,
        "instance": request.url.path,
        "requestId": getattr(request.state, "request_id", ""),
        **{key: value for key, value in extra.items() if value},
    }
    return JSONResponse(jsonable_encoder(body), status_code=status, media_type="application/problem+json")


async def _ours(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, StationmasterError)
    answer = problem(
        request, error.http_status, error.code, error.message, hint=error.hint, params=error.params
    )
    if isinstance(error, Unavailable):
        answer.headers["Retry-After"] = str(RETRY_AFTER_S)
    return answer


async def _malformed(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    errors = [
        {"where": ".".join(str(part) for part in e["loc"]), "why": e["msg"], "code": e["type"]}
        for e in error.errors()
    ]
    return problem(
        request, 422, "invalid_request", "The request does not have the expected form.", errors=errors
    )


async def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    code = HTTPStatus(error.status_code).phrase.lower().replace(" ", "_")
    answer = problem(request, error.status_code, code, str(error.detail))
    answer.headers.update(error.headers or {})
    return answer


def install(app: FastAPI) -> None:
    """Hang the handlers into the application. Anything unforeseen stays a 500 and is logged by the middleware."""
    app.add_exception_handler(StationmasterError, _ours)
    app.add_exception_handler(RequestValidationError, _malformed)
    app.add_exception_handler(HTTPException, _http)
