"""Which file takes the messages of this queue, and what becomes of each message?

Discovery reads `<room>/consumers/*.py`. The families of errors decide (kernel.errors): Refused is done,
Invalid is a dead letter at once, Unavailable holds the queue, anything else goes up the retry ladder.
"""

import inspect
import typing
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import msgspec
import structlog

from stationmaster.contracts import set_aside
from stationmaster.contracts.topology import Names, dead_queue
from stationmaster.infra import discovery, inject
from stationmaster.infra.bus.port import Bus, Delivery, Message, Subscription
from stationmaster.infra.cache.port import Cache
from stationmaster.infra.db.database import Database
from stationmaster.infra.runtime import Runtime
from stationmaster.kernel.clock import isoformat_z
from stationmaster.kernel.errors import Invalid, Refused, Unavailable
from stationmaster.stations import registry, seen
from stationmaster.worker import metrics, units

log = structlog.get_logger()

PREFETCH = 20
Document = tuple[Delivery, bytes]
UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


@dataclass(frozen=True, slots=True)
class Consumer:
    """One file of `<room>/consumers/`."""

    name: str
    queues: tuple[str, ...]
    function: Callable[..., Any]
    is_many: bool
    decode: Callable[[bytes], Any]
    batch_max: int = 1
    linger_s: float = 0.0


def discovered(names: Names, files: Iterable[ModuleType] | None = None) -> list[Consumer]:
    """Every consumer of every room."""
    found = discovery.furniture("consumers") if files is None else files
    return [_consumer(module, names) for module in found]


def _consumer(module: ModuleType, names: Names) -> Consumer:
    """Raises Invalid for a file that is none."""
    name = module.__name__.removeprefix(f"{discovery.ROOT}.").replace(".consumers.", ".")
    one, many = getattr(module, "consume", None), getattr(module, "consume_many", None)
    if (one is None) == (many is None):
        raise Invalid("bad_consumer_file", f"{name} must define either consume or consume_many")
    function: Callable[..., Any] = one if one is not None else many  # type: ignore[assignment]
    queues = module.queues(names) if hasattr(module, "queues") else getattr(module, "QUEUES", ())
    if not queues:
        raise Invalid("bad_consumer_file", f"{name} must name its QUEUES")
    return Consumer(
        name,
        tuple(queues),
        function,
        many is not None,
        _decoder(function, is_many=many is not None),
        getattr(module, "BATCH_MAX", 1),
        getattr(module, "LINGER_S", 0.0),
    )


def _decoder(function: Callable[..., Any], *, is_many: bool) -> Callable[[bytes], Any]:
    """From the first parameter's annotation: a struct, or bytes for the document as it is."""
    first = next(iter(inspect.signature(function).parameters))
    wanted = typing.get_type_hints(function)[first]
    wanted = typing.get_args(wanted)[0] if is_many else wanted
    return bytes if wanted is bytes else msgspec.json.Decoder(wanted).decode


@dataclass(slots=True)
class ConsumerRunner:
    """Runs consumers on the bus. ``ports`` are further things that they may ask for by name."""

    database: Database
    bus: Bus
    cache: Cache
    runtime: Runtime
    names: Names = field(default_factory=Names)
    ports: Mapping[str, Any] = field(default_factory=dict)
    _subscriptions: list[Subscription] = field(default_factory=list)

    async def start(self, consumers: Sequence[Consumer]) -> None:
        """Raises TypeError when one asks for what nobody offers."""
        for consumer in consumers:
            if lacking := inject.missing(consumer.function, {*self._offered(), "uow"}, given=1):
                raise TypeError(f"nobody offers what {consumer.name} asks for: {', '.join(lacking)}")
        for consumer in consumers:
            for queue in consumer.queues:
                self._subscriptions.append(await self._subscribe(consumer, queue))

    async def stop(self) -> None:
        """Finish what is in hand, take nothing more."""
        while self._subscriptions:
            await self._subscriptions.pop().cancel()

    async def _subscribe(self, consumer: Consumer, queue: str) -> Subscription:
        return await self.bus.consume(
            queue,
            lambda deliveries: self.take(consumer, deliveries),
            batch_max=consumer.batch_max,
            linger_s=consumer.linger_s,
            prefetch=max(PREFETCH, 2 * consumer.batch_max) if consumer.is_many else PREFETCH,
        )

    def _offered(self) -> dict[str, Any]:
        return {
            "organisations_of": registry.organisations_of,
            "seen": seen.apply,
            **self.ports,
            "database": self.database,
            "bus": self.bus,
            "cache": self.cache,
            "clock": self.runtime.clock,
            "ids": self.runtime.ids,
            "runtime": self.runtime,
            "names": self.names,
        }

    async def take(self, consumer: Consumer, deliveries: Sequence[Delivery]) -> None:
        """The bus's handler; the verdict is written on each delivery. Raises Unavailable."""
        began = self.runtime.clock.monotonic()
        documents = [(delivery, body) for delivery in deliveries for body in delivery.items]
        if consumer.is_many:
            await self._take_many(consumer, documents)
        else:
            for document in documents:
                await self._judge(consumer, document)
        self._account(consumer, deliveries, self.runtime.clock.monotonic() - began)

    async def _take_many(self, consumer: Consumer, documents: Sequence[Document]) -> None:
        """One unit of work for all; when it fails, for each half, until it is clear whose fault it is."""
        if len(documents) <= 1:
            for document in documents:
                await self._judge(consumer, document)
            return
        try:
            await self._run(consumer, [consumer.decode(body) for _, body in documents])
        except Unavailable:
            raise
        except Exception as error:  # noqa: BLE001 - found out document by document
            log.warning("batch.failed", consumer=consumer.name, size=len(documents), why=repr(error))
            middle = len(documents) // 2
            await self._take_many(consumer, documents[:middle])
            await self._take_many(consumer, documents[middle:])

    async def _judge(self, consumer: Consumer, document: Document) -> None:
        delivery, body = document
        try:
            item = consumer.decode(body)
            await self._run(consumer, [item] if consumer.is_many else item)
        except Unavailable:
            raise
        except Refused as error:
            log.info("delivery.refused", consumer=consumer.name, code=error.code)
        except UNREADABLE as error:
            await self._bury(delivery, body, f"unreadable: {error}")
        except Invalid as error:
            await self._bury(delivery, body, f"{error.code}: {error.message}")
        except Exception as error:
            log.exception("delivery.failed", consumer=consumer.name, attempt=delivery.attempts)
            delivery.retry(f"{type(error).__name__}: {error}")

    async def _bury(self, delivery: Delivery, body: bytes, reason: str) -> None:
        """A dead letter; documents that travelled with it are not taken along."""
        log.error("delivery.dead", queue=delivery.queue, reason=reason)
        if len(delivery.items) == 1:
            delivery.dead(reason)
            return
        now = isoformat_z(self.runtime.clock.now())
        letter = set_aside.encode(set_aside.SetAside(set_aside=reason, at=now, body=body))
        await self.bus.publish(Message("", dead_queue(delivery.queue), letter, self.runtime.ids.new("dead")))

    async def _run(self, consumer: Consumer, given: Any) -> None:
        await units.run(
            consumer.function, given, database=self.database, runtime=self.runtime, offered=self._offered()
        )

    def _account(self, consumer: Consumer, deliveries: Sequence[Delivery], seconds: float) -> None:
        metrics.DELIVERY_SECONDS.labels(consumer.name).observe(seconds)
        for delivery in deliveries:
            metrics.DELIVERIES.labels(consumer.name, delivery.verdict).inc()
        log.debug(
            "delivery.done",
            consumer=consumer.name,
            deliveries=len(deliveries),
            verdicts=sorted({delivery.verdict for delivery in deliveries}),
            ms=round(seconds * 1000, 1),
        )
