"""A gateway: sockets in front, the bus behind, and nothing of the business between.

It holds no database connection. Stations that it knows are let in, answered and recorded while the backend,
the broker or both are away.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import structlog
from picows import WSListener

from stationmaster.contracts.topology import gateway_queue
from stationmaster.gateway import metrics
from stationmaster.gateway.addresses import Networks
from stationmaster.gateway.admission import Admission, Refusal
from stationmaster.gateway.commands import MAIL_BATCH, CommandOutcomes, Mailbox
from stationmaster.gateway.directory_cache import DirectoryCache
from stationmaster.gateway.epochs import DataDirLock, Epochs
from stationmaster.gateway.heartbeats import Heartbeats
from stationmaster.gateway.id_tokens import IdTokens
from stationmaster.gateway.kit import Kit
from stationmaster.gateway.link import Link
from stationmaster.gateway.listening import Listener, listen
from stationmaster.gateway.opening import Opening, place_of
from stationmaster.gateway.options import GatewayOptions
from stationmaster.gateway.ports import Spool, StationDirectory, StationRecord
from stationmaster.gateway.presence import Presence
from stationmaster.gateway.publishing import Publishing
from stationmaster.gateway.refusals import Refusals
from stationmaster.gateway.socket import StationSocket
from stationmaster.gateway.takeover import Takeover
from stationmaster.gateway.transaction_ids import TransactionIds
from stationmaster.infra.bus.port import Bus, Subscription
from stationmaster.infra.cache.port import Cache
from stationmaster.infra.records import RecordFile
from stationmaster.infra.runtime import Runtime
from stationmaster.kernel.errors import Unavailable

log = structlog.get_logger()

START_WITHIN_S = 2.0
MAILBOX_RETRY_S = 1.0
DRAIN_FIRST_S = 5.0
CLOSE_ALL_WITHIN_S = 3.0
RECHECKS_AT_ONCE = 50


class Gateway:
    """``start``, then stations may come; ``stop`` loses nothing. Bus and cache belong to the caller."""

    def __init__(
        self,
        bus: Bus,
        directory: StationDirectory,
        spool: Spool | None,
        cache: Cache,
        runtime: Runtime,
        options: GatewayOptions,
    ):
        self._bus, self._directory, self._spool = bus, directory, spool
        self._runtime, self._options = runtime, options
        self._lock = DataDirLock(options.data_dir)
        self._file = RecordFile(options.data_dir / "gateway.db", in_thread=options.disk_in_thread)
        self._publishing = Publishing(bus, spool, runtime)
        self._epochs = Epochs(self._file, runtime)
        self._ids = TransactionIds(directory, self._file, runtime, per_lease=options.ids_per_lease)
        self._tokens = IdTokens(options.offline, self._file, runtime)
        self._known = DirectoryCache(directory, self._file, runtime)
        self._admission = Admission(options, self._known, runtime.clock)
        self._presence = Presence(cache, ttl_s=options.presence_ttl_s)
        self._outcomes = CommandOutcomes(self._publishing, runtime)
        self._links: dict[str, Link] = {}
        self._sockets: set[StationSocket] = set()
        self._per_address: dict[str, int] = {}
        self._connections = 0
        self._unlimited = Networks(options.unlimited_networks)
        self._listeners: list[Listener] = []
        self._tasks: list[asyncio.Task[Any]] = []
        self._mail: Subscription | None = None
        self._is_stopping = self._is_assembled = False
        self.gateway_id = options.gateway_id

    @property
    def ports(self) -> list[int]:
        """Where it listens, in the order of the listeners."""
        return [listener.port for listener in self._listeners]

    @property
    def connections(self) -> int:
        """Open links."""
        return len(self._links)

    @property
    def is_accepting(self) -> bool:
        """Would a known station be let in now? (readiness)"""
        return not self._is_stopping and self._epochs.is_ready and self._publishing.is_open

    # Start.

    async def start(self) -> None:
        self._lock.take()
        try:
            await self._start()
        except BaseException:
            await self.stop()
            raise

    async def _start(self) -> None:
        await self._file.start()
        self.gateway_id = await self._epochs.load(self._options.gateway_id)
        self._assemble()
        await self._known.load()
        await self._tokens.load()
        if self._spool is not None:
            await self._spool.start()
        await self._publishing.start()
        await asyncio.gather(
            self._briefly(self._task(self._epochs.register(self.gateway_id, self._directory), "register")),
            self._briefly(self._task(self._open_mail(), "mailbox")),
            self._ids.start(self.gateway_id),
        )
        await self._publishing.drained(DRAIN_FIRST_S)
        for host, port in self._options.listeners:
            self._listeners.append(await listen(self, host, port, self._options))
        self._start_rounds()
        log.info("gateway.started", gateway=self.gateway_id, ports=self.ports)

    def _assemble(self) -> None:
        """What needs the gateway's id."""
        options, runtime = self._options, self._runtime
        self._heartbeats = Heartbeats(self.gateway_id, options.names, self._publishing, runtime.clock.now)
        self._refusals = Refusals(self.gateway_id, self._directory, runtime)
        self._takeover = Takeover(
            self._bus, runtime, options, gateway_id=self.gateway_id, find_link=self._links.get
        )
        self._mailbox = Mailbox(
            self._file, runtime, find_link=self._links.get, outcomes=self._outcomes, id_tokens=self._tokens,
            probes=self._takeover,
        )  # fmt: skip
        kit = Kit(
            gateway_id=self.gateway_id, reply_to=gateway_queue(self.gateway_id), options=options,
            clock=runtime.clock, publishing=self._publishing, heartbeats=self._heartbeats,
            transaction_ids=self._ids, id_tokens=self._tokens, outcomes=self._outcomes,
            closed=self._link_closed,
        )  # fmt: skip
        self._opening = Opening(
            admission=self._admission, cache=self._known, refusals=self._refusals, takeover=self._takeover,
            presence=self._presence, epochs=self._epochs, kit=kit, links=self._links,
            opened=self._link_opened,
        )  # fmt: skip
        self._is_assembled = True

    async def _briefly(self, task: asyncio.Task[Any]) -> None:
        """The usual start is complete when it returns; the start without backend or broker goes on without
        them.
        """
        await asyncio.wait([task], timeout=START_WITHIN_S)

    async def _open_mail(self) -> None:
        """Until it is open; without it stations are still answered, by the offline policy."""
        queue = gateway_queue(self.gateway_id)
        while self._mail is None:
            try:
                await self._bus.open_mailbox(queue)
                self._mail = await self._bus.consume(
                    queue, self._mailbox.take, batch_max=MAIL_BATCH, prefetch=2 * MAIL_BATCH
                )
            except Unavailable as error:
                log.warning("gateway.mailbox.unavailable", error=str(error))
                await self._runtime.sleep(MAILBOX_RETRY_S)

    def _start_rounds(self) -> None:
        options = self._options
        self._every(options.heartbeats_every_s, "heartbeats", self._flush_heartbeats)
        self._every(options.presence_every_s, "presence", self._tell_presence)
        self._every(options.refusals_every_s, "refusals", self._refusals.flush)
        self._every(1.0, "epochs", self._epochs.keep)
        self._every(3600.0, "journal", self._mailbox.forget_old)
        self._every(15.0, "directory", self._recheck_stale)

    def _every(self, seconds: float, name: str, work: Callable[[], Awaitable[None]]) -> None:
        async def rounds() -> None:
            while True:
                await self._runtime.sleep(seconds)
                try:
                    await work()
                except Unavailable as error:
                    log.warning("gateway.round.failed", round=name, error=str(error))

        _ = self._task(rounds(), name)

    def _task(self, work: Any, name: str) -> asyncio.Task[Any]:
        task = self._runtime.spawn(work, name=f"gateway:{name}")
        self._tasks.append(task)
        return task

    async def _flush_heartbeats(self) -> None:
        self._heartbeats.flush()

    async def _tell_presence(self) -> None:
        await self._presence.tell([(link.station_id, place_of(link)) for link in self._links.values()])

    async def _recheck_stale(self) -> None:
        stale = self._known.stale(list(self._links), self._options.directory_sweep_s)[:RECHECKS_AT_ONCE]
        for station_id in stale:
            link = self._links.get(station_id)
            if link is not None:
                await self._opening.recheck(link)

    # The door (see listening.Door).

    def may_connect(self, address: str) -> bool:
        here = self._per_address.get(address, 0)
        is_too_many = here >= self._options.connections_per_address_max and address not in self._unlimited
        if is_too_many or self._connections >= self._options.connections_max:
            metrics.REFUSED.labels("too_many_connections").inc()
            return False
        self._per_address[address] = here + 1
        self._connections += 1
        return True

    def left(self, address: str) -> None:
        self._connections -= 1
        self._per_address[address] -= 1
        if not self._per_address[address]:
            del self._per_address[address]

    def upgrade(
        self, path: bytes, headers: Mapping[str, str], offered: Sequence[str], address: str
    ) -> tuple[WSListener, str] | Refusal:
        """At once, from memory."""
        if not self.is_accepting:
            metrics.REFUSED.labels("not_accepting").inc()
            return Refusal(503, "not_accepting")
        verdict = self._admission.decide(path, headers, list(offered), address)
        if verdict.refusal is not None:
            self._refusals.note(verdict.candidate, verdict.refusal)
            return verdict.refusal
        socket = StationSocket(verdict.candidate, lambda socket: self._connected(socket, verdict.record))
        return socket, verdict.candidate.subprotocol

    def _connected(self, socket: StationSocket, record: StationRecord | None) -> None:
        name = f"gateway:open:{socket.candidate.identity}"
        _ = self._runtime.spawn(self._opening.open(socket, record), name=name)

    # Links come and go.

    def _link_opened(self, link: Link) -> None:
        self._sockets.add(link.socket)
        metrics.CONNECTIONS.set(len(self._links))
        if not self._known.is_fresh(link.station_id, self._options.directory_fresh_s):
            _ = self._runtime.spawn(self._opening.recheck(link), name=f"gateway:recheck:{link.station_id}")

    def _link_closed(self, link: Link) -> None:
        """Compare and delete: an old socket's end never removes the newer link."""
        self._sockets.discard(link.socket)
        if self._links.get(link.station_id) is link:
            del self._links[link.station_id]
        metrics.CONNECTIONS.set(len(self._links))
        place = place_of(link)
        _ = self._runtime.spawn(
            self._presence.gone(link.station_id, place), name=f"gateway:gone:{link.station_id}"
        )

    # Stop.

    async def stop(self) -> None:
        """No new stations; what is under way becomes durable and is answered; every end is on record."""
        self._is_stopping = True
        for listener in self._listeners:
            listener.close()
        for link in self._links.values():
            link.hear_no_more()
        await self._publishing.flush(self._options.drain_within_s / 2)
        await self._close_links()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._ids.stop()
        await self._last_words()
        if self._mail is not None:
            await self._mail.cancel()
        await self._publishing.stop()
        if self._spool is not None:
            await self._spool.stop()
        await self._file.stop()
        self._lock.release()
        log.info("gateway.stopped", gateway=self.gateway_id)

    async def _last_words(self) -> None:
        """What would be lost with this process."""
        if self._is_assembled:
            self._heartbeats.flush()
            await self._refusals.flush()
        if not await self._publishing.flush(self._options.drain_within_s):
            log.error("gateway.stop.unfinished")
        await self._epochs.keep()

    async def _close_links(self) -> None:
        for link in list(self._links.values()):
            link.end(1001, "going away")
        try:
            async with asyncio.timeout(CLOSE_ALL_WITHIN_S):
                while self._sockets:
                    await self._runtime.sleep(0.01)
        except TimeoutError:
            log.info("gateway.stop.deaf_stations", links=len(self._sockets))
        for listener in self._listeners:
            listener.abort()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_ALL_WITHIN_S):
                while self._connections:  # Their ends are on record only once they are heard.
                    await self._runtime.sleep(0)
        self._listeners.clear()
