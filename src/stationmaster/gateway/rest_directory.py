"""The station directory over internal REST: what it asks, and what its answers mean.

404 with our own code is an answer ("no such station"); all other trouble, time-outs included, is Unavailable:
a 404 of some proxy on the way must not make the gateway forget a station.
"""

from typing import Any, Final, TypeVar
from urllib.parse import quote

import httpx
import msgspec

from stationmaster.gateway.ports import RefusedHandshake, StationRecord
from stationmaster.kernel.errors import Unavailable

T = TypeVar("T")

ANSWER_WITHIN_S: Final = 3.0
"""A station waits behind a lookup; its own patience is about half a minute."""


class _Registered(msgspec.Struct):
    number: int


class _Problem(msgspec.Struct):
    code: str = ""


class _Leased(msgspec.Struct, rename="camel"):
    transaction_ids: list[int]


class RestDirectory:
    """StationDirectory by ``/internal/...`` of the API, with the internal secret as bearer."""

    def __init__(self, base_url: str, secret: str, *, transport: httpx.AsyncBaseTransport | None = None):
        self._client = httpx.AsyncClient(
            base_url=base_url,
            headers={"Authorization": f"Bearer {secret}"},
            timeout=ANSWER_WITHIN_S,
            transport=transport,
        )

    async def stop(self) -> None:
        await self._client.aclose()

    async def lookup(self, identity: str) -> StationRecord | None:
        body = await self._ask("GET", f"/internal/stations/{quote(identity, safe='')}", missing_ok=True)
        return None if body is None else _read(body, StationRecord)

    async def register_gateway(self, gateway_id: str) -> int:
        body = await self._ask("POST", "/internal/gateways", json={"gatewayId": gateway_id})
        return _read(body, _Registered).number

    async def lease_transaction_ids(self, gateway_id: str, count: int) -> list[int]:
        asked = {"gatewayId": gateway_id, "count": count}
        body = await self._ask("POST", "/internal/transaction-ids", json=asked)
        return _read(body, _Leased).transaction_ids

    async def refused(self, handshakes: list[RefusedHandshake]) -> None:
        items: Any = msgspec.to_builtins(handshakes)
        await self._ask("POST", "/internal/refusals", json=items)

    async def _ask(
        self, method: str, path: str, *, json: object = None, missing_ok: bool = False
    ) -> bytes | None:
        try:
            answer = await self._client.request(method, path, json=json)
        except httpx.HTTPError as error:
            raise Unavailable("directory_unavailable", f"{type(error).__name__}: {error}") from error
        if missing_ok and answer.status_code == httpx.codes.NOT_FOUND and _is_certain(answer.content):
            return None
        if not answer.is_success:
            raise Unavailable("directory_unavailable", f"{method} {path}: HTTP {answer.status_code}")
        return answer.content


def _read(body: bytes | None, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(body or b"", type=kind)
    except msgspec.MsgspecError as error:
        raise Unavailable("directory_unreadable", str(error)) from error


def _is_certain(body: bytes) -> bool:
    """Did the directory itself say that there is no such station?"""
    try:
        return msgspec.json.decode(body, type=_Problem).code == "unknown_station"
    except msgspec.MsgspecError:
        return False
