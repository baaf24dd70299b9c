"""What is inside a station's cabinet, and how is it told what happens there?"""

import asyncio
import random
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any

from stationmaster.infra.runtime import Runtime
from stationmaster.simulator import messages
from stationmaster.simulator.configuration import Configuration
from stationmaster.simulator.journal import Journal
from stationmaster.simulator.model import Connector, Station, Transaction
from stationmaster.simulator.power import Meter
from stationmaster.simulator.spec import PERSONALITIES, Pace, Personality, StationSpec
from stationmaster.simulator.talk import Talk
from stationmaster.simulator.transaction_queue import TransactionMessage

LIFETIME_WH = 2_000_000
GROUND_FAILURE = "GroundFailure"


@dataclass(slots=True)
class Cabinet:
    """Shared by everything a station does."""

    spec: StationSpec
    pace: Pace
    runtime: Runtime
    journal: Journal
    rng: random.Random
    talk: Talk
    station: Station
    configuration: Configuration
    _tasks: set[asyncio.Task[Any]] = field(default_factory=set)

    @property
    def station_id(self) -> str:
        return self.spec.station_id

    @property
    def personality(self) -> Personality:
        return PERSONALITIES[self.spec.personality]

    @property
    def meter_interval_s(self) -> float:
        """The pace's, until somebody configures another one."""
        configured = self.configuration.values.get("MeterValueSampleInterval")
        return max(0.05, float(configured) if configured else self.pace.meter_interval_s)

    def show(self, connector: Connector, status: str) -> None:
        """A new status, and a notification about it (lost when offline, sent anew at the next connect)."""
        if connector.status != status:
            connector.status = status
            self.report(connector)

    def report(self, connector: Connector) -> None:
        self.talk.tell("StatusNotification", messages.status(connector, self.runtime.clock.now()))

    def queue(
        self,
        action: str,
        body: messages.Payload,
        transaction: Transaction,
        *,
        needs_transaction_id: bool = True,
    ) -> None:
        """A transaction message: kept until it is answered."""
        message = TransactionMessage(
            self.talk.new_message_id(), action, body, transaction, needs_transaction_id
        )
        self.talk.queue.add(message)
        self.talk.pump()

    def spawn(self, work: Coroutine[Any, Any, Any], name: str) -> None:
        """Start something that ends with the station."""
        task = self.runtime.spawn(work, name=f"{self.station_id}:{name}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def cancel_all(self) -> None:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def build_station(spec: StationSpec, rng: random.Random) -> Station:
    """Connectors 1..n with a used meter each."""
    connectors = {
        number: Connector(number, Meter(rng.uniform(0, LIFETIME_WH)))
        for number in range(1, spec.connectors + 1)
    }
    broken = connectors.get(PERSONALITIES[spec.personality].faulted_connector)
    if broken is not None:
        broken.error_code = GROUND_FAILURE
    for connector in connectors.values():
        connector.status = connector.idle_status
    return Station(connectors)


def build_configuration(spec: StationSpec) -> Configuration:
    """The defaults, with what depends on the station."""
    return Configuration({"NumberOfConnectors": str(spec.connectors)})
