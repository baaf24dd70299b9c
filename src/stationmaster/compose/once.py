"""One remote-started charge from the driver's tap to the receipt, over the real API and a real socket."""

import asyncio
from collections.abc import Callable
from typing import Any

import httpx

from stationmaster.compose.demo import PACE, World, fleet_of
from stationmaster.kernel.errors import Unavailable
from stationmaster.simulator.fleet import Fleet

STATION = "PUN-001"
CONNECTOR = 1
HOLD_MINOR = 50_000
CHARGE_S = 6.0
WITHIN_S = 60.0
POLL_S = 0.2


async def charge(world: World, *, api: str, ocpp: str, told: Callable[[str], None]) -> dict[str, Any]:
    """The receipt's figures, in minor units; ``meter_wh`` is the simulated station's own truth."""
    fleet = Fleet(ocpp, fleet_of(world, only=STATION), pace=PACE)
    await fleet.start()
    try:
        async with httpx.AsyncClient(base_url=api, timeout=10.0) as http:
            return await _charge(http, world, fleet, told)
    finally:
        await fleet.stop()


async def _charge(
    http: httpx.AsyncClient, world: World, fleet: Fleet, told: Callable[[str], None]
) -> dict[str, Any]:
    login = await http.post(
        "/api/auth/token", json={"email": world.driver_email, "password": world.driver_password}
    )
    http.headers["Authorization"] = f"Bearer {_checked(login)['accessToken']}"
    told("waiting for the station")
    await _until(lambda: _is(fleet.chargers[STATION].is_ready))
    told(f"starting {STATION} connector {CONNECTOR} with {HOLD_MINOR / 100:.2f} INR held")
    started = _checked(
        await http.post(
            "/api/user/charging/start",
            json={"deviceId": STATION, "connectorId": CONNECTOR, "amountMinor": HOLD_MINOR},
            headers={"Idempotency-Key": f"demo-once-{fleet.runtime.ids.token(12)}"},
        )
    )
    session_id = started["sessionId"]

    async def session() -> dict[str, Any]:
        return _checked(await http.get(f"/api/user/sessions/{session_id}"))

    told(f"session {session_id}")
    await _until(lambda: _in_state(session, {"ONGOING", "FAILED"}))
    told("charging")
    await asyncio.sleep(CHARGE_S)
    _checked(await http.post("/api/user/charging/stop", json={"sessionId": session_id}))
    told("stopping")
    await _until(lambda: _in_state(session, {"COMPLETED", "TERMINATED", "FAILED"}))
    end = await session()
    truths = fleet.journal.meter_truths()
    return {
        "session": session_id,
        "state": end["state"],
        "energy_wh": end["energyWh"],
        "meter_wh": truths[-1].energy_wh if truths else None,
        "currency": end["currency"],
        "held": end["holdMinor"],
        "captured": end["capturedMinor"],
        "fee": end["feeMinor"],
        "organisation": end["organisationMinor"],
        "released": end["releasedMinor"],
    }


def _checked(answer: httpx.Response) -> dict[str, Any]:
    if not answer.is_success:
        raise Unavailable(
            "demo_failed", f"{answer.request.method} {answer.request.url.path}: {answer.text[:300]}"
        )
    found: dict[str, Any] = answer.json()
    return found


async def _is(value: object) -> bool:
    return bool(value)


async def _in_state(session: Callable[[], Any], states: set[str]) -> bool:
    return (await session())["state"] in states


async def _until(holds: Callable[[], Any]) -> None:
    async with asyncio.timeout(WITHIN_S):
        while not await holds():
            await asyncio.sleep(POLL_S)
