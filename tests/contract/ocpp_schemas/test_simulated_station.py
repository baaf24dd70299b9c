"""A simulated station at a CSMS that is not ours: the PyPI package `ocpp`, which checks every schema."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import ocpp.exceptions
import pytest
import websockets
from ocpp.routing import on
from ocpp.v16 import ChargePoint, call, call_result
from ocpp.v16.enums import RegistrationStatus
from websockets.asyncio.server import ServerConnection

from stationmaster.simulator.fleet import Fleet, Pace, StationSpec, run
from stationmaster.simulator.load import run as run_load
from stationmaster.simulator.load_scripts import LoadStation

ACCEPTED = {"status": "Accepted"}
PACE = Pace(
    meter_interval_s=0.05,
    time_scale=500,
    plug_in_s=0.01,
    unplug_s=0.01,
    reboot_s=0.05,
    back_off_s=0.02,
    ping_s=0,
)


class StrangePoint(ChargePoint):
    """The CSMS's end of one connection; refuses what breaks a schema."""

    def __init__(self, *args: Any):
        super().__init__(*args)
        self.heard: list[tuple[str, dict[str, Any]]] = []

    @on("BootNotification")
    def boot(self, **said: Any) -> Any:
        self.heard.append(("BootNotification", said))
        return call_result.BootNotification(datetime.now(UTC).isoformat(), 1, RegistrationStatus.accepted)

    @on("Heartbeat")
    def heartbeat(self) -> Any:
        return call_result.Heartbeat(datetime.now(UTC).isoformat())

    @on("StatusNotification")
    def status(self, **said: Any) -> Any:
        self.heard.append(("StatusNotification", said))
        return call_result.StatusNotification()

    @on("Authorize")
    def authorize(self, **_said: Any) -> Any:
        return call_result.Authorize(ACCEPTED)

    @on("StartTransaction")
    def start_transaction(self, **said: Any) -> Any:
        self.heard.append(("StartTransaction", said))
        return call_result.StartTransaction(42, ACCEPTED)

    @on("MeterValues")
    def meter_values(self, **said: Any) -> Any:
        self.heard.append(("MeterValues", said))
        return call_result.MeterValues()

    @on("StopTransaction")
    def stop_transaction(self, **said: Any) -> Any:
        self.heard.append(("StopTransaction", said))
        return call_result.StopTransaction()

    def said(self, action: str) -> list[dict[str, Any]]:
        return [said for name, said in self.heard if name == action]


class StrangeCsms:
    """A server on loopback; ``points`` by identity, newest connection."""

    def __init__(self) -> None:
        self.points: dict[str, StrangePoint] = {}
        self.authorizations: list[str | None] = []
        self.url = ""

    async def serve(self, connection: ServerConnection) -> None:
        assert connection.request is not None
        self.authorizations.append(connection.request.headers.get("Authorization"))
        identity = connection.request.path.rsplit("/", 1)[1]
        self.points[identity] = StrangePoint(identity, connection)
        with contextlib.suppress(websockets.ConnectionClosed):
            await self.points[identity].start()


def at_a_strange_csms(story: Callable[[StrangeCsms], Awaitable[None]]) -> None:
    async def main() -> None:
        csms = StrangeCsms()
        subprotocols: Any = ["ocpp1.6"]
        async with websockets.serve(csms.serve, "127.0.0.1", 0, subprotocols=subprotocols) as server:
            port = server.sockets[0].getsockname()[1]
            csms.url = f"ws://127.0.0.1:{port}/ws/ocpp/16"
            await story(csms)

    asyncio.run(main())


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.005)


def test_a_charge_by_remote_start_and_every_command() -> None:
    async def story(csms: StrangeCsms) -> None:
        fleet = Fleet(csms.url, [StationSpec("CP|1", "x" * 16, 2)], pace=PACE, seed=1)
        await fleet.start()
        await until(lambda: fleet.stats.connected == 1)
        point = csms.points["CP%7C1"]
        assert csms.authorizations == ["Basic Q1B8MTp4eHh4eHh4eHh4eHh4eHh4"]
        started = await point.call(call.RemoteStartTransaction(id_tag="TOKEN", connector_id=2))
        assert started.status == "Accepted"
        await until(lambda: len(point.said("MeterValues")) >= 3)
        stopped = await point.call(call.RemoteStopTransaction(transaction_id=42))
        assert stopped.status == "Accepted"
        await until(lambda: bool(point.said("StopTransaction")))
        (truth,) = fleet.journal.meter_truths()
        told = (
            point.said("StopTransaction")[0]["meter_stop"] - point.said("StartTransaction")[0]["meter_start"]
        )
        assert truth.energy_wh == told > 0
        for request in (
            call.GetConfiguration(),
            call.ChangeConfiguration(key="HeartbeatInterval", value="60"),
            call.TriggerMessage(requested_message="MeterValues"),
            call.UnlockConnector(connector_id=1),
            call.ChangeAvailability(connector_id=1, type="Inoperative"),
            call.DataTransfer(vendor_id="x"),
            call.ClearCache(),
            call.Reset(type="Hard"),
        ):
            assert await point.call(request) is not None  # the package checks the answer's schema
        await until(lambda: csms.points["CP%7C1"] is not point and fleet.stats.connected == 1)
        assert fleet.stats.errors == 0
        await fleet.stop()

    at_a_strange_csms(story)


def test_run_lives_for_a_while_and_says_what_happened(capfd: pytest.CaptureFixture[str]) -> None:
    async def story(csms: StrangeCsms) -> None:
        local = StationSpec("CP1", id_tokens=("CARD",), local_every_s=0.05, local_charge_s=0.2)
        stats = await run(csms.url, [local, StationSpec("CP2", personality="offline")], pace=PACE, for_s=1.2)
        assert (stats.stations, stats.connected, stats.errors) == (2, 1, 0)
        assert csms.points["CP1"].said("StartTransaction")

    at_a_strange_csms(story)
    seen = capfd.readouterr().err
    assert "1/2 connected" in seen
    assert "CP2" in seen


def test_an_unknown_command_is_answered_by_an_error() -> None:
    async def story(csms: StrangeCsms) -> None:
        fleet = Fleet(csms.url, [StationSpec("CP1")], pace=PACE)
        await fleet.start()
        await until(lambda: fleet.stats.connected == 1)
        assert csms.authorizations == [None]
        with pytest.raises(ocpp.exceptions.NotImplementedError):
            await csms.points["CP1"].call(call.GetLocalListVersion(), suppress=False)
        await fleet.stop()

    at_a_strange_csms(story)


def test_a_key_set_by_configuration_is_used_at_the_next_connect() -> None:
    async def story(csms: StrangeCsms) -> None:
        fleet = Fleet(csms.url, [StationSpec("CP1", "x" * 16)], pace=PACE)
        await fleet.start()
        await until(lambda: fleet.stats.connected == 1)
        point = csms.points["CP1"]
        key = "00" * 16
        answer = await point.call(call.ChangeConfiguration(key="AuthorizationKey", value=key))
        assert answer.status == "Accepted"
        await point.call(call.Reset(type="Soft"))
        await until(lambda: len(csms.authorizations) == 2)
        assert csms.authorizations[0] != csms.authorizations[1]
        await fleet.stop()

    at_a_strange_csms(story)


def test_a_refused_sub_protocol_is_no_connection() -> None:
    async def main() -> None:
        async def serve(_connection: ServerConnection) -> None:
            await asyncio.sleep(0)

        async with websockets.serve(serve, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            fleet = Fleet(f"ws://127.0.0.1:{port}", [StationSpec("CP1")], pace=PACE)
            await fleet.start()
            await until(lambda: fleet.stats.cannot_connect >= 2)
            assert "sub-protocol" in fleet.chargers["CP1"].stats.last_error
            await fleet.stop()

    asyncio.run(main())


@pytest.mark.parametrize("kind", ["heartbeat", "metervalues", "cycle"])
def test_the_load_generator_speaks_valid_ocpp(kind: str) -> None:
    async def story(csms: StrangeCsms) -> None:
        stations = [LoadStation(f"L{n}", "x" * 16) for n in range(3)]
        result = await run_load(csms.url, stations, kind=kind, seconds=0.3, warmup_s=0.1)
        assert result.calls > 0
        assert (result.errors, result.lost, result.connections) == (0, 0, 3)
        assert result.p50_ms <= result.p99_ms <= result.max_ms
        heard = sum(len(point.said("StopTransaction")) for point in csms.points.values())
        assert heard == result.by_action.get("StopTransaction", 0)
        assert kind == "heartbeat" or heard >= 3

    at_a_strange_csms(story)
