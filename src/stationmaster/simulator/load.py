"""How many CALLs does a CSMS answer, and how fast, when each station asks again once it is answered?

A closed loop: every connection has one CALL outstanding. As cheap as it gets, so that the generator is not
what is measured: frames are templates, answers are recognised by their first bytes, and nothing runs per
connection but one script.
"""

import argparse
import asyncio
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec
import uvloop
from picows import WSFrame, WSListener, WSMsgType, WSTransport, ws_connect

from stationmaster.infra.runtime import Runtime
from stationmaster.ocpp.errors import BadFrame
from stationmaster.ocpp.frame import Call, CallError, encode_error, parse
from stationmaster.ocpp.subprotocol import OCPP_16
from stationmaster.simulator.load_scripts import KINDS, Control, LoadStation, Script, boot
from stationmaster.simulator.wire import basic_authorization, station_url

CONNECTING_AT_ONCE: Final = 20
FINISH_WITHIN_S: Final = 15.0


class LoadResult(msgspec.Struct, frozen=True, kw_only=True):
    """Latencies are of the measured time only; ``by_action`` counts every answered CALL of the whole run."""

    kind: str
    connections: int
    seconds: float
    calls: int
    calls_per_s: float
    errors: int
    lost: int
    p50_ms: float
    p95_ms: float
    p99_ms: float
    max_ms: float
    generator_cpu_s: float
    by_action: dict[str, int]


class _Connection(WSListener):
    """Plays scripts: sends what the script yields and gives it the answers."""

    def __init__(self, control: Control):
        self._control = control
        self._prefix = control.runtime.ids.token(8).encode()
        self._monotonic = control.runtime.clock.monotonic
        self._script: Script = boot()
        self._ended = asyncio.Event()
        self._count = 0
        self._expected = b""
        self._action = ""
        self._sent_at = 0.0
        self._transport: WSTransport | None = None

    async def play(self, script: Script) -> None:
        """Until the script is over, or the connection."""
        self._script = script
        self._ended.clear()
        if self._transport is not None:
            self._send(self._transport, next(script))
            await self._ended.wait()

    def close(self) -> None:
        transport, self._transport = self._transport, None
        if transport is not None:
            transport.send_close()
            transport.disconnect()

    def _send(self, transport: WSTransport, tail: bytes) -> None:
        self._count += 1
        self._expected = b'[3,"%b%d",' % (self._prefix, self._count)
        self._action = tail[1 : tail.index(b'"', 1)].decode()
        self._sent_at = self._monotonic()
        transport.send(WSMsgType.TEXT, b'[2,"%b%d",%b' % (self._prefix, self._count, tail))

    def on_ws_connected(self, transport: WSTransport) -> None:
        self._transport = transport

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type is WSMsgType.TEXT:
            data = frame.get_payload_as_bytes()
            if data.startswith(self._expected) or self._is_answer(transport, data):
                self._answered(transport, data)
        elif frame.msg_type is WSMsgType.CLOSE:
            transport.disconnect()

    def _is_answer(self, transport: WSTransport, data: bytes) -> bool:
        """The slow way: another spelling of the answer, an error, or a CALL of the CSMS."""
        try:
            frame = parse(data)
        except BadFrame:
            return False
        if isinstance(frame, Call):
            transport.send(WSMsgType.TEXT, encode_error(frame.message_id, "NotImplemented"))
            return False
        is_ours = frame.message_id.encode() == self._expected[4:-2]
        self._control.errors += is_ours and isinstance(frame, CallError)
        return is_ours

    def _answered(self, transport: WSTransport, data: bytes) -> None:
        control = self._control
        control.by_action[self._action] += 1
        if control.is_measuring:
            control.latencies.append(self._monotonic() - self._sent_at)
        try:
            self._send(transport, self._script.send(data))
        except StopIteration:
            self._ended.set()

    def on_ws_disconnected(self, transport: WSTransport) -> None:  # noqa: ARG002
        self._control.lost += self._transport is not None
        self._transport = None
        self._ended.set()


async def _connect(
    url: str, station: LoadStation, control: Control, at_once: asyncio.Semaphore
) -> _Connection:
    """Connected and booted."""
    headers = {"Sec-WebSocket-Protocol": OCPP_16}
    if station.password is not None:
        headers["Authorization"] = basic_authorization(station.station_id, station.password)
    connection = _Connection(control)
    async with at_once:
        await ws_connect(
            lambda: connection,
            station_url(url, station.station_id),
            extra_headers=headers,
            read_buffer_init_size=2048,
        )
        await connection.play(boot())
    return connection


async def run(
    url: str,
    stations: Sequence[LoadStation],
    *,
    kind: str,
    seconds: float,
    warmup_s: float = 1.0,
    runtime: Runtime | None = None,
) -> LoadResult:
    """Connect and boot all, let them warm up, measure for so long, end their transactions."""
    runtime = runtime or Runtime()
    control = Control(runtime)
    clock = runtime.spawn(control.keep_time(), name="load:clock")
    at_once = asyncio.Semaphore(CONNECTING_AT_ONCE)
    connections = await asyncio.gather(*(_connect(url, s, control, at_once) for s in stations))
    scripts = [KINDS[kind](control, station) for station in stations]
    playing = [
        runtime.spawn(connection.play(script), name="load:station")
        for connection, script in zip(connections, scripts, strict=True)
    ]
    await runtime.sleep(warmup_s)
    began, cpu_began = runtime.clock.monotonic(), time.process_time()
    control.is_measuring = True
    await runtime.sleep(seconds)
    control.is_measuring, control.is_over = False, True
    took, cpu = runtime.clock.monotonic() - began, time.process_time() - cpu_began
    await asyncio.wait(playing, timeout=FINISH_WITHIN_S)
    for connection in connections:
        connection.close()
    clock.cancel()
    return _result(control, kind=kind, connections=len(stations), seconds=took, cpu_s=cpu)


def _result(control: Control, *, kind: str, connections: int, seconds: float, cpu_s: float) -> LoadResult:
    sorted_ms = [1000 * latency for latency in sorted(control.latencies)]

    def percentile(share: float) -> float:
        return round(sorted_ms[min(len(sorted_ms) - 1, int(share * len(sorted_ms)))], 3) if sorted_ms else 0.0

    return LoadResult(
        kind=kind,
        connections=connections,
        seconds=round(seconds, 3),
        calls=len(sorted_ms),
        calls_per_s=round(len(sorted_ms) / seconds, 1),
        errors=control.errors,
        lost=control.lost,
        p50_ms=percentile(0.50),
        p95_ms=percentile(0.95),
        p99_ms=percentile(0.99),
        max_ms=percentile(1.0),
        generator_cpu_s=round(cpu_s, 3),
        by_action=dict(control.by_action),
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """As a process of its own; ``--stations``: a JSON file, [{"station_id", "password", "id_token"}, ...]."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--url", required=True)
    options.add_argument("--stations", required=True, type=Path)
    options.add_argument("--kind", choices=sorted(KINDS), default="metervalues")
    options.add_argument("--seconds", type=float, default=10.0)
    options.add_argument("--warmup", type=float, default=1.0)
    given = options.parse_args(arguments)
    stations = msgspec.json.decode(given.stations.read_bytes(), type=list[LoadStation])
    result = uvloop.run(
        run(given.url, stations, kind=given.kind, seconds=given.seconds, warmup_s=given.warmup)
    )
    sys.stdout.write(msgspec.json.encode(result).decode() + "\n")


if __name__ == "__main__":
    main()
