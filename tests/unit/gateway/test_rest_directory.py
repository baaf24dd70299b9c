"""What does the REST directory make of each answer?"""

import json

import httpx
import pytest

from stationmaster.gateway.ports import RefusedHandshake
from stationmaster.gateway.rest_directory import RestDirectory
from stationmaster.kernel.errors import Unavailable

pytestmark = pytest.mark.anyio


def directory(answer: httpx.Response | Exception, seen: list[httpx.Request] | None = None) -> RestDirectory:
    def handle(request: httpx.Request) -> httpx.Response:
        if seen is not None:
            seen.append(request)
        if isinstance(answer, Exception):
            raise answer
        return answer

    return RestDirectory("http://api", "s3cret", transport=httpx.MockTransport(handle))


async def test_a_record_is_read_and_the_identity_is_quoted() -> None:
    seen: list[httpx.Request] = []
    body = {"stationId": "A|1", "chargerId": "c", "securityProfile": 1, "keyDigest": "ab", "idTokens": ["x"]}
    found = await directory(httpx.Response(200, json=body), seen).lookup("A|1")
    assert found is not None
    assert (found.station_id, found.key_digest, found.id_tokens) == ("A|1", "ab", ["x"])
    assert seen[0].url.raw_path == b"/internal/stations/A%7C1"
    assert seen[0].headers["authorization"] == "Bearer s3cret"


async def test_404_is_certain() -> None:
    answer = httpx.Response(404, json={"code": "unknown_station", "title": "no"})
    assert await directory(answer).lookup("X") is None


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(500), httpx.Response(404, text="nginx"), httpx.Response(401),
        httpx.Response(200, text="<html>"), httpx.Response(200, json={}),
        httpx.ConnectError("refused"), httpx.ReadTimeout("slow"),
    ],
)  # fmt: skip
async def test_everything_else_is_unavailable(answer: httpx.Response | Exception) -> None:
    with pytest.raises(Unavailable):
        await directory(answer).lookup("X")


async def test_registering_leasing_and_telling() -> None:
    seen: list[httpx.Request] = []
    assert await directory(httpx.Response(200, json={"number": 5}), seen).register_gateway("gw") == 5
    leased = directory(httpx.Response(200, json={"transactionIds": [7, 8]}), seen)
    assert await leased.lease_transaction_ids("gw", 2) == [7, 8]
    refusal = RefusedHandshake(
        station_id="x", remote_address="1.1.1.1", reason="r", at="2026-01-01T00:00:00Z"
    )
    await directory(httpx.Response(204), seen).refused([refusal])
    assert [json.loads(request.content) for request in seen] == [
        {"gatewayId": "gw"},
        {"gatewayId": "gw", "count": 2},
        [{"stationId": "x", "remoteAddress": "1.1.1.1", "reason": "r", "at": "2026-01-01T00:00:00Z"}],
    ]
