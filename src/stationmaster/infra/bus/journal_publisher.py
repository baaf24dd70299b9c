"""Which rows does a published document become? One per queue it is routed to, packed with its neighbours."""

import asyncio
import functools
from collections.abc import Callable

from stationmaster.contracts.topology import Topology, dead_queue
from stationmaster.infra.bus.journal_rows import Row
from stationmaster.infra.bus.packing import Pack, Packer
from stationmaster.infra.bus.port import REASON_HEADER, Message, Unroutable
from stationmaster.infra.runtime import Runtime


class JournalPublisher:
    """The waiting room, the routes and the numbering of rows."""

    def __init__(self, topology: Topology, runtime: Runtime, *, confirm_within_s: float) -> None:
        self._runtime = runtime
        self.packer = Packer(runtime.clock.monotonic, confirm_within_s)
        self.mailboxes: set[str] = set()
        self.next_id = 1
        self.use(topology)

    def use(self, topology: Topology) -> None:
        self.names = {queue.name for queue in topology.queues}
        self._dead_of = {dead_queue(queue.name): queue.name for queue in topology.queues if queue.ladder}
        self._routes: Callable[[str, str], list[str]] = functools.lru_cache(maxsize=4096)(topology.queues_for)

    def has(self, queue: str) -> bool:
        return queue in self.names or queue in self.mailboxes

    def add(self, message: Message) -> asyncio.Future[None]:
        """Raises Unroutable, and what the packer raises."""
        if not self._destinations(message):
            raise Unroutable("unroutable", f"no queue for {message.exchange!r} {message.routing_key!r}")
        return self.packer.add(message)

    def _destinations(self, message: Message) -> list[str]:
        """Bound queues that exist."""
        return [name for name in self._routes(message.exchange, message.routing_key) if self.has(name)]

    def take(self) -> tuple[list[Pack], list[Row]]:
        """Everything that waits, as packs (to confirm) and as rows (to write)."""
        packs: list[Pack] = []
        while (taken := self.packer.take()) is not None:
            packs.append(taken)
        now = self._runtime.clock.now().timestamp()
        return packs, [row for pack in packs for row in self._rows_of(pack, now)]

    def _rows_of(self, pack: Pack, now: float) -> list[Row]:
        """Dead letters are rows of the queue that they belong to."""
        message = pack.message
        reason = message.headers.get(REASON_HEADER, "set aside")
        expires_at = None if message.expires_in_s is None else now + message.expires_in_s
        return [
            Row(
                id=id_, queue=self._dead_of.get(name, name), routing_key=message.routing_key,
                message_id=message.message_id, priority=message.priority, body=pack.body, items=pack.items,
                headers=message.headers, expires_at=expires_at, is_mailbox=name in self.mailboxes,
                dead_reason=reason if name in self._dead_of else None,
            )
            for name in self._destinations(message)
            for id_ in self.ids(1)
        ]  # fmt: skip

    def ids(self, count: int) -> range:
        """Row ids that nobody else gets."""
        first = self.next_id
        self.next_id += count
        return range(first, first + count)
