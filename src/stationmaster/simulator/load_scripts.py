"""What does each kind of load say, and in which order?

A script yields the end of a CALL (after the message id) and gets the answer's bytes.
"""

import re
from array import array
from collections import Counter
from collections.abc import Callable, Generator
from typing import Final

import msgspec

from stationmaster.infra.runtime import Runtime
from stationmaster.kernel.clock import isoformat_z

TIMESTAMP_EVERY_S: Final = 0.02
WH_PER_SAMPLE: Final = 1
"""Little, so that as many a second as we can send are plausible for one station, and billed."""
SAMPLES_PER_CYCLE: Final = 3

# What comes after the message id, up to the closing bracket.
_HEARTBEAT: Final = b'"Heartbeat",{}]'
_BOOT: Final = b'"BootNotification",{"chargePointVendor":"Load","chargePointModel":"Generator"}]'
_START: Final = b'"StartTransaction",{"connectorId":1,"idTag":"%b","meterStart":%d,"timestamp":"%b"}]'
_STOP: Final = b'"StopTransaction",{"transactionId":%d,"meterStop":%d,"timestamp":"%b","reason":"Local"}]'
_METER: Final = (
    b'"MeterValues",{"connectorId":1,"transactionId":%d,"meterValue":[{"timestamp":"%b","sampledValue":['
    b'{"value":"%d","measurand":"Energy.Active.Import.Register","unit":"Wh"},'
    b'{"value":"11000","measurand":"Power.Active.Import","unit":"W"}]}]}]'
)
_TRANSACTION_ID: Final = re.compile(rb'"transactionId"\s*:\s*(-?\d+)')

Script = Generator[bytes, bytes, None]


class LoadStation(msgspec.Struct, frozen=True):
    """Who connects. ``id_token`` starts its transactions."""

    station_id: str
    password: str | None = None
    id_token: str = "LOAD"  # noqa: S105 - no secret


class Control:
    """What all connections share: the phase, the time of day as text, the figures."""

    def __init__(self, runtime: Runtime):
        self.runtime = runtime
        self.timestamp = b""
        self.is_over = False
        self.is_measuring = False
        self.latencies = array("d")
        self.by_action: Counter[str] = Counter()
        self.errors = self.lost = 0

    async def keep_time(self) -> None:
        while True:
            self.timestamp = isoformat_z(self.runtime.clock.now()).encode()
            await self.runtime.sleep(TIMESTAMP_EVERY_S)


def boot() -> Script:
    yield _BOOT


def _heartbeats(control: Control, _station: LoadStation) -> Script:
    while not control.is_over:
        yield _HEARTBEAT


def _transaction(control: Control, station: LoadStation, register: int, samples: int | None) -> Script:
    """One transaction with so many meter values; None: until the load is over."""
    answer = yield _START % (station.id_token.encode(), register, control.timestamp)
    found = _TRANSACTION_ID.search(answer)
    number = int(found.group(1)) if found else -1
    taken = 0
    while (taken < samples) if samples is not None else not control.is_over:
        taken += 1
        yield _METER % (number, control.timestamp, register + WH_PER_SAMPLE * taken)
    yield _STOP % (number, register + WH_PER_SAMPLE * (taken + 1), control.timestamp)


def _meter_values(control: Control, station: LoadStation) -> Script:
    yield from _transaction(control, station, 1000, None)


def _cycles(control: Control, station: LoadStation) -> Script:
    register = 1000
    while not control.is_over:
        yield from _transaction(control, station, register, SAMPLES_PER_CYCLE)
        register += (SAMPLES_PER_CYCLE + 2) * WH_PER_SAMPLE


KINDS: Final[dict[str, Callable[[Control, LoadStation], Script]]] = {
    "heartbeat": _heartbeats,
    "metervalues": _meter_values,
    "cycle": _cycles,
}
