"""Frames by REST: published as a gateway would publish them, for our own processes only."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from fastapi import FastAPI

from stationmaster.contracts import envelope as envelopes
from stationmaster.contracts.envelope import Envelope
from stationmaster.contracts.topology import topology
from stationmaster.frames import http
from stationmaster.infra.bus.journal import Journal, JournalBus
from stationmaster.infra.bus.port import Delivery
from stationmaster.infra.cache.memory import MemoryCache
from stationmaster.infra.db.sqlite import SqliteDatabase
from stationmaster.infra.http import problem
from stationmaster.infra.http.context import Context
from stationmaster.infra.runtime import Runtime
from stationmaster.kernel.clock import isoformat_z

pytestmark = pytest.mark.anyio
SECRET = {"Authorization": "Bearer of good news"}


def frame(seq: int, **more: Any) -> Envelope:
    values: dict[str, Any] = {
        "id": "anything",
        "device_id": "ST1",
        "epoch": 7,
        "seq": seq,
        "kind": "call",
        "message_type": "MeterValues",
        "payload": msgspec.Raw(b'{"connectorId":1}'),
        "timestamp": isoformat_z(datetime(2026, 3, 1, tzinfo=UTC)),
    }
    return Envelope(**{**values, **more})


class Site:
    def __init__(self, client: httpx.AsyncClient, bus: JournalBus):
        self.client, self.bus = client, bus

    async def post(self, content: bytes, headers: dict[str, str] | None = None) -> httpx.Response:
        return await self.client.post(
            "/api/logs", content=content, headers=SECRET if headers is None else headers
        )

    async def taken(self, queue: str, count: int) -> list[tuple[str, str]]:
        """(routing key, id) of what lies in a queue, once there are that many."""
        found: list[tuple[str, str]] = []
        enough = asyncio.Event()

        async def hear(batch: Sequence[Delivery]) -> None:
            found.extend((d.routing_key, envelopes.decode(body).id) for d in batch for body in d.items)
            if len(found) >= count:
                enough.set()

        subscription = await self.bus.consume(queue, hear, batch_max=10)
        async with asyncio.timeout(10):
            await enough.wait()
        await subscription.cancel()
        return sorted(found, key=lambda one: one[1])


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    runtime = Runtime()
    bus = JournalBus(Journal(tmp_path / "bus.db"), topology(), runtime)
    await bus.start()
    app = FastAPI()
    problem.install(app)
    app.include_router(http.router)
    app.state.context = Context(
        database=SqliteDatabase(tmp_path / "none.db"),
        bus=bus,
        cache=MemoryCache(runtime.clock),
        runtime=runtime,
        commands=None,  # type: ignore[arg-type]
        options={"internal_secret": "of good news"},
    )
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        yield Site(client, bus)
    await bus.stop()


async def test_frames_reach_both_queues_with_the_ids_of_their_places(site: Site) -> None:
    said = [frame(1), frame(2, kind="answer"), frame(3, message_type="Odd")]
    answer = await site.post(msgspec.json.encode(said))
    assert (answer.status_code, answer.json()) == (202, {"accepted": 3})
    assert await site.taken("ocpp_messages", 2) == [
        ("ocpp.metervalues", "ST1:7:call:1"),
        ("ocpp.unknown", "ST1:7:call:3"),
    ]
    assert [id_ for _, id_ in await site.taken("ocpp.logs", 3)] == [
        "ST1:7:answer:2",
        "ST1:7:call:1",
        "ST1:7:call:3",
    ]


@pytest.mark.parametrize(
    "headers", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": "of good news"}]
)
async def test_nobody_else_may(site: Site, headers: dict[str, str]) -> None:
    answer = await site.post(msgspec.json.encode([frame(1)]), headers)
    assert (answer.status_code, answer.json()["code"]) == (401, "not_internal")


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"{", "not_envelopes"),
        (b"{}", "not_envelopes"),
        (b'[{"id":"x"}]', "not_envelopes"),
        (msgspec.json.encode([frame(1, timestamp="yesterday")]), "bad_envelope"),
        (msgspec.json.encode([frame(1, device_id="")]), "bad_envelope"),
        (msgspec.json.encode([frame(1)] * (http.FRAMES_MAX + 1)), "too_many"),
    ],
)
async def test_what_is_no_array_of_envelopes_is_refused_as_a_whole(
    site: Site, content: bytes, code: str
) -> None:
    answer = await site.post(content)
    assert answer.json()["code"] == code
    assert answer.status_code in {413, 422}
    assert all(state.ready == 0 for state in await site.bus.state())
