"""Is a repeated request carried out once, on both engines, also when both come at the same time?"""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import Depends, FastAPI, Request
from sqlalchemy import func, select

from stationmaster.contracts.topology import Names
from stationmaster.infra.db import migrate
from stationmaster.infra.db.database import Database, UnitOfWork
from stationmaster.infra.db.postgres import PostgresDatabase
from stationmaster.infra.db.sqlite import SqliteDatabase
from stationmaster.infra.db.tables import counter
from stationmaster.infra.http import problem
from stationmaster.infra.http.context import Context, get
from stationmaster.infra.http.idempotency import idempotent
from stationmaster.infra.http.wire import Body, Wire
from stationmaster.infra.runtime import Runtime
from stationmaster.kernel.errors import InsufficientFunds

pytestmark = pytest.mark.anyio


class Order(Body):
    name: str
    amount_minor: int


class Receipt(Wire):
    order_name: str
    amount_minor: int


def app_on(database: Database) -> FastAPI:
    nothing: Any = None
    app = FastAPI()
    app.state.context = Context(database, nothing, nothing, Runtime(), nothing, Names())
    problem.install(app)

    @app.post("/orders")
    async def order(request: Request, body: Order, ctx: Context = Depends(get)) -> Any:  # noqa: B008
        async def do(uow: UnitOfWork) -> Receipt:
            await uow.bulk_insert(counter, [{"name": body.name, "value": body.amount_minor}])
            await asyncio.sleep(0.01)
            if body.amount_minor > 1000:
                raise InsufficientFunds("insufficient_funds")
            return Receipt(order_name=body.name, amount_minor=body.amount_minor)

        return await idempotent(request, ctx, "driver:d1:order", body, do, status=202)

    return app


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.services)])
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    database: Database
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path}/keys.db"
        database = SqliteDatabase(url)
    else:
        url = request.getfixturevalue("postgres_url")
        database = PostgresDatabase(url)
    migrate.upgrade(url)
    await database.start()
    yield database
    await database.stop()


@pytest.fixture
async def client(database: Database) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app_on(database))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client


async def post(client: httpx.AsyncClient, amount: int = 5, key: str | None = "key-0001") -> httpx.Response:
    headers = {} if key is None else {"Idempotency-Key": key}
    return await client.post("/orders", json={"name": "n", "amountMinor": amount}, headers=headers)


async def orders(database: Database) -> int:
    async with database.reading() as reader:
        return int((await reader.execute(select(func.count()).select_from(counter))).scalar())


async def test_the_first_answer_is_given_again(client: httpx.AsyncClient, database: Database) -> None:
    first, second = await post(client), await post(client)
    assert first.status_code == second.status_code == 202
    assert first.json() == second.json() == {"orderName": "n", "amountMinor": 5}
    assert "idempotent-replay" not in first.headers
    assert second.headers["idempotent-replay"] == "true"
    assert await orders(database) == 1


async def test_at_the_same_time_one_does_it_and_all_get_its_answer(
    client: httpx.AsyncClient, database: Database
) -> None:
    answers = await asyncio.gather(*(post(client) for _ in range(5)))
    assert [answer.status_code for answer in answers] == [202] * 5
    assert len({answer.text for answer in answers}) == 1
    assert sum("idempotent-replay" in answer.headers for answer in answers) == 4
    assert await orders(database) == 1


async def test_the_same_key_for_something_else_is_refused(
    client: httpx.AsyncClient, database: Database
) -> None:
    await post(client, 5)
    answer = await post(client, 6)
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_mismatch")
    assert await orders(database) == 1


async def test_a_refusal_is_not_kept(client: httpx.AsyncClient, database: Database) -> None:
    assert (await post(client, 2000)).status_code == 402
    assert await orders(database) == 0
    assert (await post(client, 5)).status_code == 202


@pytest.mark.parametrize(
    ("key", "code"),
    [
        (None, "idempotency_key_required"),
        ("", "idempotency_key_required"),
        ("short", "idempotency_key_malformed"),
        ("x" * 201, "idempotency_key_malformed"),
        ("tab\tinside", "idempotency_key_malformed"),
    ],
)
async def test_keys_are_required_and_checked(client: httpx.AsyncClient, key: str | None, code: str) -> None:
    answer = await post(client, key=key)
    assert (answer.status_code, answer.json()["code"]) == (400, code)
