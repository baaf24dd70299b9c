"""How does one simulated charging station live: connect, boot, beat, charge, obey, restart?"""

import functools
import random
from typing import Any

import msgspec

from stationmaster.infra.runtime import Runtime
from stationmaster.ocpp.frame import Call
from stationmaster.simulator import charging, commands, messages, wire
from stationmaster.simulator.cabinet import Cabinet, build_configuration, build_station
from stationmaster.simulator.configuration import AUTHORIZATION_KEY, Configuration
from stationmaster.simulator.journal import Journal
from stationmaster.simulator.line import Line
from stationmaster.simulator.model import Connector, Transaction
from stationmaster.simulator.spec import PERSONALITIES, Pace, StationSpec
from stationmaster.simulator.talk import NoAnswer, Reaction, Stats, Talk
from stationmaster.simulator.transaction_queue import TransactionMessage

DEFAULT_HEARTBEAT_S = 300.0
BOOT_AGAIN_S = 10.0
DELIVER_BEFORE_RESTART_S = 5.0


class Charger:
    """One station. ``dial`` may be given by tests; by default it is a real WebSocket to ``url``."""

    def __init__(
        self,
        spec: StationSpec,
        *,
        url: str = "",
        runtime: Runtime | None = None,
        pace: Pace | None = None,
        journal: Journal | None = None,
        seed: int | None = None,
        dial: wire.Dial | None = None,
    ):
        self.spec, self.runtime, self.pace = spec, runtime or Runtime(), pace or Pace()
        self.journal = journal or Journal()
        rng = random.Random(seed if seed is not None else int(self.runtime.ids.random() * 2**53))  # noqa: S311
        self.talk = Talk(
            spec.station_id,
            self,
            runtime=self.runtime,
            journal=self.journal,
            pace=self.pace,
            answers_after_s=PERSONALITIES[spec.personality].answers_after_s,
        )
        self.cabinet = Cabinet(
            spec,
            self.pace,
            self.runtime,
            self.journal,
            rng,
            self.talk,
            build_station(spec, rng),
            build_configuration(spec),
        )
        dial = dial or functools.partial(self._dial_url, url)
        self.line = Line(self.talk, dial=dial, on_open=self._on_open, runtime=self.runtime, pace=self.pace)
        self.heartbeat_s = DEFAULT_HEARTBEAT_S
        self._is_booted = False

    @property
    def stats(self) -> Stats:
        return self.talk.stats

    @property
    def connectors(self) -> dict[int, Connector]:
        return self.cabinet.station.connectors

    @property
    def configuration(self) -> Configuration:
        return self.cabinet.configuration

    @property
    def is_ready(self) -> bool:
        """Connected and accepted."""
        return self.talk.is_connected and self.talk.is_registered

    @property
    def charging(self) -> list[Connector]:
        """Connectors with a transaction."""
        return self.cabinet.station.with_transaction()

    # Life.

    def start(self) -> None:
        """Begin to live (needs a running loop)."""
        personality = self.cabinet.personality
        if not personality.connects:
            return
        self.cabinet.spawn(self.line.run(), "line")
        self.cabinet.spawn(self._beat(), "heartbeat")
        if personality.drops_every_s > 0:
            self.cabinet.spawn(self._drop_now_and_then(personality.drops_every_s), "drops")
        if self.spec.local_every_s > 0 and self.spec.id_tokens:
            self.cabinet.spawn(self._live_locally(), "drivers")

    async def stop(self) -> None:
        """Pull the plug: what is not delivered stays in the queue."""
        self.line.close()
        await self.cabinet.cancel_all()

    async def _dial_url(self, url: str, receiver: wire.Receiver) -> None:
        key = self.configuration.get(AUTHORIZATION_KEY)
        await wire.dial(
            url,
            receiver,
            station_id=self.spec.station_id,
            password=bytes.fromhex(key) if key else self.spec.password,
            ping_s=self.pace.ping_s,
        )

    async def _on_open(self) -> None:
        """At each new connection: boot if need be (OCPP 1.6, 4.2), then tell every connector's status."""
        if not self._is_booted:
            await self._boot()
        self.talk.is_registered = True
        for connector in self.connectors.values():
            self.cabinet.report(connector)
        self.talk.pump()

    async def _boot(self) -> None:
        while not self._is_booted:
            interval = BOOT_AGAIN_S
            try:
                answer = await self.talk.ask("BootNotification", messages.boot(self.spec))
            except NoAnswer as error:
                if error.code == "offline":
                    raise
            else:
                self._is_booted = answer.get("status") == "Accepted"
                interval = float(answer.get("interval") or interval)
            if self._is_booted:
                self.heartbeat_s = max(1.0, interval)
            else:
                await self.runtime.sleep(interval)

    async def _beat(self) -> None:
        """Heartbeats at the interval that the CSMS gave (4.6), looked up again every second."""
        since = self.runtime.clock.monotonic()
        while True:
            await self.runtime.sleep(1.0)
            configured = self.configuration.values.get("HeartbeatInterval")
            every_s = float(configured) if configured else self.heartbeat_s
            if 0 < every_s <= self.runtime.clock.monotonic() - since:
                since = self.runtime.clock.monotonic()
                self.talk.tell("Heartbeat", {})

    async def _drop_now_and_then(self, every_s: float) -> None:
        while True:
            await self.runtime.sleep(every_s * self.cabinet.rng.uniform(0.5, 1.5))
            self.line.drop()

    async def _live_locally(self) -> None:
        """Drivers come by with their cards, charge a while, and leave."""
        rng, spec = self.cabinet.rng, self.spec
        while True:
            await self.runtime.sleep(rng.expovariate(1 / spec.local_every_s))
            connector = self.cabinet.station.free(None)
            if connector is None or not self.is_ready:
                continue
            if await self.plug_and_swipe(connector.id, rng.choice(spec.id_tokens)) is not None:
                await self.runtime.sleep(spec.local_charge_s * rng.uniform(0.5, 1.5))
                self.unplug(connector.id)

    # What drivers do at the station.

    async def plug_and_swipe(self, connector_id: int, id_token: str) -> Transaction | None:
        """Plug in and start by card; None when the connector is taken or the card is refused."""
        connector = self.cabinet.station.free(connector_id)
        if connector is None:
            return None
        connector.is_claimed = True
        return await charging.plug_and_start(self.cabinet, connector, id_token, is_remote=False)

    def unplug(self, connector_id: int, reason: str = "Local") -> Transaction | None:
        """Stop here and leave; None when nothing was running."""
        return charging.stop_and_unplug(self.cabinet, self.connectors[connector_id], reason)

    # What the CSMS says (talk.Behaviour).

    def react(self, call: Call) -> Reaction:
        """A command."""
        return commands.react(self.cabinet, call, restart=self._restart)

    def is_safe(self, message: TransactionMessage, answer: bytes) -> None:
        """A transaction message was answered."""
        transaction = message.transaction
        if message.action == "StartTransaction":
            self._started(transaction, msgspec.json.decode(answer))
        elif message.action == "StopTransaction":
            self.journal.stopped(transaction)

    def _started(self, transaction: Transaction, answer: dict[str, Any]) -> None:
        number = answer.get("transactionId")
        transaction.id = number if isinstance(number, int) else -1
        status = (answer.get("idTagInfo") or {}).get("status")
        connector = self.connectors[transaction.connector_id]
        must_stop = status != "Accepted" and self.configuration.is_on("StopTransactionOnInvalidId")
        if must_stop and connector.transaction is transaction:
            charging.stop_and_unplug(self.cabinet, connector, "DeAuthorized")

    def _restart(self, reason: str) -> None:
        self.cabinet.spawn(self._power_cycle(reason), "restart")

    async def _power_cycle(self, reason: str) -> None:
        """Reset: stop what runs; a soft one also delivers first what it can. The queue survives both."""
        for connector in self.charging:
            charging.stop_and_unplug(self.cabinet, connector, reason)
        waited = 0.0
        while reason == "SoftReset" and not self.talk.is_idle and waited < DELIVER_BEFORE_RESTART_S:
            await self.runtime.sleep(0.05)
            waited += 0.05
        self._is_booted = self.talk.is_registered = False
        self.line.close(rest_s=self.pace.reboot_s)
