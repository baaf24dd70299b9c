"""Was this request carried out before? Then its answer is given again, and nothing happens twice.

The key is written in the unit of work that does the thing, so both exist or neither. A second request with
the same key at the same time waits for the first one's commit (on the key's row) and then replays. Refusals
are not stored: they changed nothing and may turn out otherwise next time.
"""

import hashlib
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fastapi import Request
from fastapi.encoders import jsonable_encoder
from fastapi.responses import Response
from sqlalchemy import bindparam, select, text, update

from stationmaster.infra.db.again import with_retries
from stationmaster.infra.db.database import UnitOfWork
from stationmaster.infra.db.metadata import UtcTime
from stationmaster.infra.db.tables import idempotency_key
from stationmaster.infra.http.context import Context
from stationmaster.kernel.errors import Invalid, Unavailable

KEY_CHARACTERS_MIN = 8
KEY_CHARACTERS_MAX = 200
HEADER = "Idempotency-Key"
REPLAYED = "Idempotent-Replay"

# The same text on both engines. PostgreSQL waits here for a concurrent holder of the key.
_claim = text(
    "INSERT INTO idempotency_key (scope, key, request_hash, created_at) "
    "VALUES (:scope, :key, :request_hash, :created_at) ON CONFLICT DO NOTHING"
).bindparams(bindparam("created_at", type_=UtcTime()))


@dataclass(frozen=True, slots=True)
class Stored:
    """What was answered the first time. ``response`` is the body's JSON text."""

    status: int
    response: str


def checked_key(key: str | None) -> str:
    """Raises Invalid for a missing or unusable key."""
    if not key:
        raise Invalid(
            "idempotency_key_required",
            f"The header {HEADER} is missing.",
            hint="Send a new random key with every new intent, and the same one when repeating a request.",
            status=400,
        )
    fits = KEY_CHARACTERS_MIN <= len(key) <= KEY_CHARACTERS_MAX
    if not (fits and key.isascii() and key.isprintable()):
        raise Invalid(
            "idempotency_key_malformed",
            f"{HEADER} must be {KEY_CHARACTERS_MIN} to {KEY_CHARACTERS_MAX} printable ASCII characters.",
            status=400,
        )
    return key


def hash_of(body: Any) -> str:
    """Of the request's meaning: member order and white space do not count."""
    plain = json.dumps(jsonable_encoder(body), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(plain.encode()).hexdigest()


async def once(
    uow: UnitOfWork, *, scope: str, key: str | None, request_hash: str, now: datetime
) -> Stored | None:
    """Claims the key: None means go on and ``store`` the answer in the same unit of work."""
    key = checked_key(key)
    claim = {"scope": scope, "key": key, "request_hash": request_hash, "created_at": now}
    if (await uow.execute(_claim, claim)).rowcount == 1:
        return None
    t = idempotency_key.c
    there = (await uow.execute(select(idempotency_key).where(t.scope == scope, t.key == key))).first()
    if there is None or there.status is None:
        raise Unavailable("idempotency_in_progress", "The first request with this key is not finished.")
    if there.request_hash != request_hash:
        raise Invalid(
            "idempotency_mismatch",
            "This key was used with another request.",
            hint="Use a new key for a new intent.",
        )
    return Stored(there.status, there.response or "null")


async def store(uow: UnitOfWork, *, scope: str, key: str, status: int, response: str) -> None:
    """Keep the answer for repeats."""
    t = idempotency_key.c
    await uow.execute(
        update(idempotency_key).where(t.scope == scope, t.key == key).values(status=status, response=response)
    )


async def idempotent(
    request: Request,
    ctx: Context,
    scope: str,
    body: Any,
    do: Callable[[UnitOfWork], Awaitable[Any]],
    *,
    status: int = 200,
) -> Response:
    """Run ``do`` once per key and answer with its result as JSON; repeats get the first answer and the header
    `Idempotent-Replay: true`. ``scope`` says who asks for what (for instance `driver:<id>:start`)."""
    key = checked_key(request.headers.get(HEADER))
    request_hash = hash_of(body)

    async def attempt(uow: UnitOfWork) -> tuple[Stored, bool]:
        now = ctx.runtime.clock.now()
        stored = await once(uow, scope=scope, key=key, request_hash=request_hash, now=now)
        if stored is not None:
            return stored, True
        response = json.dumps(jsonable_encoder(await do(uow)), separators=(",", ":"))
        await store(uow, scope=scope, key=key, status=status, response=response)
        return Stored(status, response), False

    stored, is_replay = await with_retries(ctx.database, ctx.runtime, attempt)
    headers = {REPLAYED: "true"} if is_replay else None
    return Response(stored.response, stored.status, headers, media_type="application/json")
