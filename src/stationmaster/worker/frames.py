"""The frame worker: takes batches from `ocpp_messages`, and each frame has its effect exactly once.

A batch is one unit of work; its answers are sent after the commit, and only then is it acknowledged. When
a batch fails it is halved until the culprit is alone; that frame is set aside and its link goes on
(architecture 3.6).
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import structlog

from stationmaster.actions.dispatch import Registry
from stationmaster.contracts.topology import Names
from stationmaster.infra.bus.port import Bus, Delivery, Subscription
from stationmaster.infra.db.database import Database
from stationmaster.infra.db.errors import Conflict
from stationmaster.infra.runtime import Runtime
from stationmaster.kernel.errors import Unavailable
from stationmaster.worker import alarms, answers, batch, marks, metrics, units
from stationmaster.worker.apply import Applied, Applier
from stationmaster.worker.batch import Broken, Frame, Link
from stationmaster.worker.marks import MarksMissing
from stationmaster.worker.rules.order import Gap
from stationmaster.worker.turns import Place

log = structlog.get_logger()

BATCH_MAX = 500
LINGER_S = 0.02
PREFETCH = 64
"""AMQP messages, of up to 32 frames each: about twice a batch under load (performance 9)."""
URGENT_KEYS = frozenset({"ocpp.authorize", "ocpp.starttransaction", "ocpp.datatransfer"})
CONTINUE_MAX = 1_000
"""Units of work in a row for links with much to un-park: a bound, not an expectation."""


@dataclass(frozen=True, slots=True)
class Intake:
    """How much is taken at once."""

    batch_max: int = BATCH_MAX
    linger_s: float = LINGER_S
    prefetch: int = PREFETCH


class FrameWorker:
    """``ports`` are further things that handlers may ask for by name."""

    def __init__(
        self,
        *,
        database: Database,
        bus: Bus,
        runtime: Runtime,
        registry: Registry | None = None,
        names: Names | None = None,
        ports: Mapping[str, Any] | None = None,
        intake: Intake = Intake(),
    ):
        self._intake = intake
        self._database, self._bus, self._runtime = database, bus, runtime
        self._names = names or Names()
        registry = registry or Registry()
        offered = {"clock": runtime.clock, "ids": runtime.ids, "names": self._names, **(ports or {})}
        if lacking := registry.missing({*offered, "uow"}):
            raise TypeError(f"nobody offers what these handlers ask for: {', '.join(lacking)}")
        self._applier = Applier(registry, offered, runtime.clock.now)
        self._subscription: Subscription | None = None

    async def start(self) -> None:
        self._subscription = await self._bus.consume(
            self._names.ocpp_messages,
            self.take,
            batch_max=self._intake.batch_max,
            linger_s=self._intake.linger_s,
            urgent=lambda delivery: delivery.routing_key in URGENT_KEYS,
            prefetch=self._intake.prefetch,
        )

    async def stop(self) -> None:
        """Finish the batch in hand, take no other."""
        if self._subscription is not None:
            await self._subscription.cancel()
            self._subscription = None

    async def take(self, deliveries: Sequence[Delivery]) -> None:
        """The bus's handler: returning acknowledges the whole batch. Raises Unavailable to have it again."""
        began = self._runtime.clock.monotonic()
        found = batch.read(deliveries)
        total = Applied()
        await self._apply_or_halve(found.frames, total)
        await self._bury(found.broken)
        self._account(found, total, self._runtime.clock.monotonic() - began)

    async def go_over(self, gaps: Mapping[Link, Gap]) -> None:
        """Wait no longer for these gaps (worker/jobs/gaps.py): keep them on record and apply what follows."""
        total = Applied()
        for link, gap in sorted(gaps.items()):
            try:
                await self._unit([], total, over={link: gap})
            except Unavailable:
                raise
            except Exception:
                log.exception("gap.frames_failed", station=link[0], epoch=link[1])
                await self._one_by_one([], total, {link}, over={link: gap})

    async def catch_up(self, links: Collection[Link]) -> None:
        """Apply what is parked in these links and could be applied."""
        await self._unit([], Applied(), also=links)

    async def _apply_or_halve(self, frames: Sequence[Frame], total: Applied) -> None:
        if not frames:
            return
        try:
            await self._unit(frames, total)
        except Unavailable:
            metrics.BATCH_FAILURES.labels("unavailable").inc()
            raise
        except Exception as error:  # noqa: BLE001 - the runner is the place for it
            metrics.BATCH_FAILURES.labels("bug").inc()
            log.warning("frames.batch_failed", frames=len(frames), why=repr(error))
            if len(frames) == 1:
                await self._one_by_one(frames, total, {frames[0].link})
                return
            middle = len(frames) // 2
            await self._apply_or_halve(frames[:middle], total)
            await self._apply_or_halve(frames[middle:], total)

    async def _one_by_one(
        self,
        frames: Sequence[Frame],
        total: Applied,
        links: set[Link],
        *,
        over: Mapping[Link, Gap] | None = None,
    ) -> None:
        """One frame per unit of work: the incoming one, then what it un-parks. Who fails now is the
        culprit.
        """
        left, also, refuse = list(frames), set(links), dict[Place, str]()
        for _ in range(CONTINUE_MAX):
            if not left and not also:
                return
            done = Applied()
            try:
                await self._try(left, done, also=also, over=over, limit=1, refuse=refuse)
            except Unavailable:
                raise
            except Exception as error:
                culprit = next((frame for frame in done.trying if frame.place not in refuse), None)
                if culprit is None:
                    raise  # it was not a frame, or even setting it aside fails
                log.exception("frame.failed", place=culprit.place, why=repr(error))
                refuse[culprit.place] = f"{type(error).__name__}: {error}"
                continue
            left, also, over = done.left, done.again, None
            _add(total, done)

    async def _unit(
        self,
        frames: Sequence[Frame],
        total: Applied,
        *,
        also: Collection[Link] = (),
        over: Mapping[Link, Gap] | None = None,
    ) -> None:
        """Units of work until nothing more can be un-parked; usually one."""
        for _ in range(CONTINUE_MAX):
            done = Applied()
            await self._try(frames, done, also=also, over=over)
            _add(total, done)
            frames, also, over = (), done.again, None
            if not also:
                return

    async def _try(self, frames: Sequence[Frame], done: Applied, **how: Any) -> None:
        """One unit of work, again after a conflict, then its answers."""
        for attempt in range(1, units.TRIES + 1):
            try:
                await self._once(frames, done, **how)
                break
            except MarksMissing as missing:
                await marks.make(self._database, missing.links, now=self._runtime.clock.now())
            except Conflict:
                metrics.BATCH_FAILURES.labels("conflict").inc()
                if attempt == units.TRIES:
                    raise
                await units.pause(self._runtime, attempt)
            _reset(done)
        else:
            raise Unavailable("marks_missing", "Marks that were just made are not there.")
        self._applier.committed(done)
        await answers.send(self._bus, [a for a in done.answers if not a.frame.is_replay])

    async def _once(self, frames: Sequence[Frame], done: Applied, **how: Any) -> None:
        async with self._database.transaction() as uow:
            await self._applier.apply(uow, frames, done, **how)
            now = self._runtime.clock.now()
            await alarms.frames_set_aside(uow, done.set_aside, queue=self._names.ocpp_messages, now=now)
            await alarms.gaps_gone_over(uow, done.gone_over, now=now)

    async def _bury(self, broken: Sequence[Broken]) -> None:
        if not broken:
            return
        log.error("frames.unreadable", count=len(broken), why=broken[0].reason)
        async with self._database.transaction() as uow:
            queue, now = self._names.ocpp_messages, self._runtime.clock.now()
            alarms.documents_set_aside(uow, broken, queue=queue, ids=self._runtime.ids, now=now)

    def _account(self, found: batch.Batch, total: Applied, seconds: float) -> None:
        metrics.BATCH_SECONDS.observe(seconds)
        metrics.BATCH_FRAMES.observe(found.documents)
        outcomes = {
            "applied": len(total.trying),
            "late": total.late,
            "parked": total.parked,
            "skipped": total.skipped,
            "set_aside": len(total.set_aside),
            "unreadable": len(found.broken),
        }
        for outcome, count in outcomes.items():
            if count:
                metrics.FRAMES.labels(outcome).inc(count)
        tell: Callable[..., Any] = log.warning if total.set_aside or found.broken else log.debug
        tell("frames.applied", documents=found.documents, rounds=total.rounds, answers=len(total.answers),
             ms=round(seconds * 1000, 1), **outcomes)  # fmt: skip


def _add(total: Applied, done: Applied) -> None:
    """For the canonical line and the counters."""
    total.trying += done.trying
    total.answers += done.answers
    total.set_aside.update(done.set_aside)
    total.late += done.late
    total.parked += done.parked
    total.skipped += done.skipped
    total.rounds += done.rounds


def _reset(done: Applied) -> None:
    fresh = Applied()
    for name in Applied.__slots__:
        setattr(done, name, getattr(fresh, name))
