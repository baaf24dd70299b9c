"""A charge point built on somebody else's OCPP library completes a charge, in both compositions."""

import asyncio
import base64
import contextlib
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import websockets
from ocpp.routing import on
from ocpp.v16 import ChargePoint, call, call_result
from ocpp.v16.enums import Action, AuthorizationStatus, RegistrationStatus, RemoteStartStopStatus
from tests.support.installation import Installation, running
from tests.support.services import Services

PRICE_MINOR_PER_KWH = 1850
CREDIT_MINOR = 100_000
HOLD_MINOR = 40_000
METER_START_WH = 12_000
STEPS_WH = (1_000, 2_500, 4_321)


class Client(ChargePoint):  # type: ignore[misc]
    """What a charging station does, in the library's own words."""

    def __init__(self, station_id: str, connection: Any):
        super().__init__(station_id, connection, response_timeout=20)
        self.starts: asyncio.Queue[tuple[int, str]] = asyncio.Queue()
        self.stops: asyncio.Queue[int] = asyncio.Queue()

    @on(Action.remote_start_transaction)
    async def remote_start(self, id_tag: str, connector_id: int = 1, **_: Any) -> Any:
        self.starts.put_nowait((connector_id, id_tag))
        return call_result.RemoteStartTransaction(RemoteStartStopStatus.accepted)

    @on(Action.remote_stop_transaction)
    async def remote_stop(self, transaction_id: int, **_: Any) -> Any:
        self.stops.put_nowait(transaction_id)
        return call_result.RemoteStopTransaction(RemoteStartStopStatus.accepted)


def _ago(minutes: float = 0) -> str:
    """The device's time: its charge took an hour, as 4.3 kWh do."""
    at = datetime.now(UTC) - timedelta(minutes=minutes)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


async def _live(client: Client, charged: asyncio.Event) -> None:
    """Boot, then one charge on command."""
    boot = await client.call(call.BootNotification("Model X", "Vendor Y"))
    assert boot.status == RegistrationStatus.accepted
    assert (await client.call(call.Heartbeat())).current_time
    await client.call(call.StatusNotification(1, "NoError", "Available", timestamp=_ago()))
    connector_id, id_tag = await asyncio.wait_for(client.starts.get(), 30)
    answer = await client.call(call.Authorize(id_tag))
    assert answer.id_tag_info["status"] == AuthorizationStatus.accepted
    begun = await client.call(call.StartTransaction(connector_id, id_tag, METER_START_WH, _ago(60)))
    assert begun.id_tag_info["status"] == AuthorizationStatus.accepted
    await client.call(call.StatusNotification(1, "NoError", "Charging", timestamp=_ago()))
    for minutes, step in zip((40, 20), STEPS_WH, strict=False):
        sampled = [
            {"value": str(METER_START_WH + step), "measurand": "Energy.Active.Import.Register", "unit": "Wh"}
        ]
        await client.call(
            call.MeterValues(
                connector_id, [{"timestamp": _ago(minutes), "sampledValue": sampled}], begun.transaction_id
            )
        )
    charged.set()
    assert await asyncio.wait_for(client.stops.get(), 30) == begun.transaction_id
    meter_stop = METER_START_WH + STEPS_WH[-1]
    await client.call(
        call.StopTransaction(meter_stop, _ago(), begun.transaction_id, reason="Remote", id_tag=id_tag)
    )
    await client.call(call.StatusNotification(1, "NoError", "Available", timestamp=_ago()))


async def _charge(place: Installation, station_id: str, password: str) -> dict[str, Any]:
    credentials = base64.b64encode(f"{station_id}:{password}".encode()).decode()
    driver = await asyncio.to_thread(place.client, "driver@test.example", "a password for tests 1")
    charged = asyncio.Event()
    async with websockets.connect(
        f"{place.ocpp}/{station_id}",
        subprotocols=["ocpp1.6"],  # type: ignore[list-item]
        additional_headers={"Authorization": f"Basic {credentials}"},
    ) as connection:
        client = Client(station_id, connection)
        listening = asyncio.create_task(client.start())
        living = asyncio.create_task(_live(client, charged))
        session_id = await asyncio.to_thread(_start, place, driver, station_id)
        await asyncio.wait_for(charged.wait(), 30)
        answer = await asyncio.to_thread(
            driver.post, "/api/user/charging/stop", json={"sessionId": session_id}
        )
        assert answer.status_code == 202, answer.text
        await asyncio.wait_for(living, 40)
        session = await asyncio.to_thread(place.wait_session, session_id, "COMPLETED", "TERMINATED", "FAILED")
        listening.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await listening
    wallet = driver.get("/api/user/wallet").json()
    driver.close()
    return {"session": session, "wallet": wallet}


def _start(place: Installation, driver: Any, station_id: str) -> str:
    from tests.support.installation import wait_until

    def status() -> bool:
        found = place.get(f"/api/cms/stations/{station_id}/connectors")["items"]
        return any(c["connectorId"] == 1 and c["status"] == "Available" for c in found)

    wait_until(status, "connector 1 Available")
    answer = driver.post(
        "/api/user/charging/start",
        json={"deviceId": station_id, "connectorId": 1, "amountMinor": HOLD_MINOR},
        headers={"Idempotency-Key": f"start-of-{station_id}"},
    )
    assert answer.status_code == 202, answer.text
    found: str = answer.json()["sessionId"]
    return found


@pytest.mark.services
@pytest.mark.parametrize("kind", ["embedded", "production"])
def test_a_foreign_charge_point_charges_and_the_wallet_is_right(
    kind: str, tmp_path: Path, services: Services
) -> None:
    urls = {}
    if kind == "production":
        urls = {
            "DATABASE_URL": services.postgres_url(),
            "RABBITMQ_URL": services.rabbitmq_url(),
            "REDIS_URL": services.redis_url(),
        }
    with running(kind, tmp_path, urls=urls) as place:
        password = place.station("FOREIGN-1")
        place.driver("driver@test.example", credit_minor=CREDIT_MINOR)
        found = asyncio.run(_charge(place, "FOREIGN-1", password))
        told = json.loads(place.command("doctor", "--json", check=False).stdout)

    session, wallet = found["session"], found["wallet"]
    cost = round(STEPS_WH[-1] * PRICE_MINOR_PER_KWH / 1000)  # no half paisa in this figure
    fee = (cost * 1000 + 5000) // 10_000
    assert session["state"] == "COMPLETED"
    assert (session["energyWh"], session["isSuspect"]) == (STEPS_WH[-1], False)
    assert (session["capturedMinor"], session["releasedMinor"]) == (cost, HOLD_MINOR - cost)
    assert (session["feeMinor"], session["organisationMinor"]) == (fee, cost - fee)
    assert (wallet["availableMinor"], wallet["heldMinor"]) == (CREDIT_MINOR - cost, 0)
    assert "books" in {finding["name"] for finding in told}
    assert [finding for finding in told if not finding["ok"] and finding["name"] != "pages"] == []
