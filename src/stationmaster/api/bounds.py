"""How long may a request's body be? Counted as it arrives, whatever its headers claim."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

BODY_MAX_BYTES = 1024 * 1024
LOGS_MAX_BYTES = 16 * 1024 * 1024
LONGER = {"/api/logs": LOGS_MAX_BYTES}
"""Routes that take more: a batch of frames."""


class TooLarge(Exception):
    """The body went over its bound."""


class BodyBounds:
    """ASGI middleware: answers 413, and reads no further."""

    def __init__(self, app: ASGIApp):
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        bound, taken, is_answered = LONGER.get(scope["path"], BODY_MAX_BYTES), _announced(scope), False
        if taken > bound:
            await _refuse(send, bound)
            return
        taken = 0

        async def counted() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > bound:
                raise TooLarge
            return message

        async def watched(message: Message) -> None:
            """What the application makes of a cut-off body is not what its sender should hear."""
            nonlocal is_answered
            if taken <= bound:
                await send(message)
            elif not is_answered:
                is_answered = True
                await _refuse(send, bound)

        await self._app(scope, counted, watched)


def _announced(scope: Scope) -> int:
    text = dict(scope["headers"]).get(b"content-length", b"0")
    return int(text) if text.isdigit() else 0


async def _refuse(send: Send, bound: int) -> None:
    body = (
        '{"type":"about:blank#too_large","title":"Content Too Large","status":413,"code":"too_large",'
        f'"detail":"The body is longer than {bound // 1024} KiB."}}'
    ).encode()
    headers = [(b"content-type", b"application/problem+json"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": 413, "headers": headers})
    await send({"type": "http.response.body", "body": body})
