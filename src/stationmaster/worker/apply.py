"""Apply a batch of frames inside one unit of work: each once, each link in order (architecture 3.3, 3.6).

Lock marks, decide, un-park, hand the frames to their actions round after round, write marks. Nothing is
sent or acknowledged here.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from stationmaster.actions import given as given_action
from stationmaster.actions import link as link_action
from stationmaster.actions.dispatch import Call, Registry
from stationmaster.contracts import envelope as envelopes
from stationmaster.infra import inject
from stationmaster.infra.db.database import UnitOfWork
from stationmaster.stations import seen
from stationmaster.worker import answers as stored
from stationmaster.worker import marks, steps, turns
from stationmaster.worker.answers import Answer
from stationmaster.worker.batch import Frame, Link
from stationmaster.worker.rules.order import Gap
from stationmaster.worker.rules.rounds import rounds
from stationmaster.worker.steps import Step
from stationmaster.worker.turns import Place, Turn

SEEN_GRAIN = timedelta(seconds=30)
"""`last_seen_at` is asked for by people: no closer than this, and most batches write no station row."""
SEEN_MAX = 200_000


@dataclass(slots=True)
class Applied:
    """What one unit of work did, or was doing when it failed (``trying``).

    ``again``: links with more parked frames to apply; ``left``: frames over the limit.
    """

    trying: list[Frame] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    seen: dict[str, datetime] = field(default_factory=dict)
    set_aside: dict[Frame, str] = field(default_factory=dict)
    gone_over: dict[Link, Gap] = field(default_factory=dict)
    again: set[Link] = field(default_factory=set)
    left: list[Frame] = field(default_factory=list)
    late: int = 0
    parked: int = 0
    skipped: int = 0
    rounds: int = 0


class Applier:
    """``offered`` is what handlers may ask for beside `uow`."""

    def __init__(self, registry: Registry, offered: Mapping[str, Any], now: Callable[[], datetime]):
        self._registry = registry
        self._offered = offered
        self._now = now
        self._seen: dict[str, datetime] = {}

    async def apply(
        self,
        uow: UnitOfWork,
        frames: Sequence[Frame],
        done: Applied,
        *,
        also: Collection[Link] = (),
        over: Mapping[Link, Gap] | None = None,
        limit: int | None = None,
        refuse: Mapping[Place, str] | None = None,
    ) -> None:
        """``also``: links to un-park though nothing came; ``over``: gaps to wait for no longer; ``limit``:
        frames per link; ``refuse``: frames to set aside unapplied, with the reason. Raises MarksMissing."""
        taken = await turns.take(uow, frames, also=also, over=over or {}, limit=limit)
        replays = await self._replays(uow, taken)
        sequences = steps.by_station(taken, replays)
        done.trying = [step.frame for sequence in sequences for step in sequence]
        for sequence in sequences:
            steps.read(sequence, self._registry, refuse or {})
        self._refuse(done, sequences)
        await self._handle(uow, done, sequences)
        await self._write(uow, done, taken, replays)
        await self._see(uow, done, sequences)
        again = [f for turn in taken for f in turn.skipped() if f not in replays and self._is_open(f)]
        done.answers += await stored.kept(uow, again)

    def _is_open(self, frame: Frame) -> bool:
        return steps.waits_for_our_word(frame, self._registry)

    async def _replays(self, uow: UnitOfWork, taken: Sequence[Turn]) -> set[Frame]:
        """Replayed frames that the mark has passed and that a person still has to decide on: applied now,
        late.
        """
        candidates = [frame for turn in taken for frame in turn.skipped() if frame.is_replay]
        waiting = await marks.waiting_for_a_person(uow, candidates)
        return {frame for frame in candidates if frame.place in waiting}

    def _refuse(self, done: Applied, sequences: Sequence[Sequence[Step]]) -> None:
        for step in (step for sequence in sequences for step in sequence):
            done.late += step.is_late
            if step.refused is None:
                continue
            done.set_aside[step.frame] = f"{step.refused.code}: {step.refused.message}"
            # Never a CALLERROR for our own trouble: unanswered, the gateway decides by its offline policy.
            if not step.is_our_fault and self._is_open(step.frame):
                done.answers.append(Answer(step.frame, error_code=step.refused.code))

    async def _handle(self, uow: UnitOfWork, done: Applied, sequences: Sequence[Sequence[Step]]) -> None:
        handled = [[step for step in sequence if step.call is not None] for sequence in sequences]
        for kind, group in rounds(handled, lambda step: step.kind):
            done.rounds += 1
            payloads = await self._hand_over(uow, kind, [step.call for step in group])
            done.answers += [
                Answer(step.frame, payload, remember_id_token=_remembered(step))
                for step, payload in zip(group, payloads, strict=True)
                if payload is not None and self._is_open(step.frame)
            ]

    async def _hand_over(self, uow: UnitOfWork, kind: str, calls: Sequence[Any]) -> Sequence[bytes | None]:
        offered = {**self._offered, "uow": uow}
        if kind == envelopes.GIVEN:
            return await inject.call(given_action.handle, calls, **offered)  # type: ignore[no-any-return]
        if kind in {envelopes.LINK_OPENED, envelopes.LINK_CLOSED}:
            return await inject.call(link_action.handle, calls, **offered)  # type: ignore[no-any-return]
        return await self._registry.handle(kind, calls, **offered)

    async def _write(
        self, uow: UnitOfWork, done: Applied, taken: Sequence[Turn], replays: Collection[Frame]
    ) -> None:
        now = self._now()
        park = [frame for turn in taken for frame in turn.to_park()]
        after = [(turn, turn.state_after(now)) for turn in taken]
        await stored.keep(uow, done.answers, now=now)
        await marks.park(uow, park, now=now)
        await marks.set_aside(uow, {f: why for f, why in done.set_aside.items() if f not in replays}, now=now)
        await marks.resolve(uow, [frame for frame in replays if frame not in done.set_aside], now=now)
        await marks.save(uow, [state for turn, state in after if state != turn.state])
        await marks.forget_parked(
            uow, [t.state.link for t, state in after if t.state.parked and state.mark != t.state.mark]
        )
        done.parked = len(park)
        done.skipped = sum(len(turn.decision.skip) for turn in taken) - len(replays)
        done.gone_over = {turn.state.link: turn.gone_over for turn in taken if turn.gone_over is not None}
        done.again = {turn.state.link for turn in taken if turn.has_more}
        done.left = [frame for turn in taken for frame in turn.left()]

    async def _see(self, uow: UnitOfWork, done: Applied, sequences: Sequence[Sequence[Step]]) -> None:
        newest: dict[str, datetime] = {}
        for step in (step for sequence in sequences for step in sequence if not step.is_late):
            if step.frame.envelope.message_type != envelopes.LINK_CLOSED:
                newest[step.frame.link[0]] = step.frame.at
        done.seen = {
            station: at
            for station, at in newest.items()
            if station not in self._seen or at - self._seen[station] >= SEEN_GRAIN
        }
        if done.seen:
            await seen.apply(uow, done.seen)

    def committed(self, done: Applied) -> None:
        """Remember what needs not be written again soon."""
        if len(self._seen) > SEEN_MAX:
            self._seen.clear()
        self._seen.update(done.seen)


def _remembered(step: Step) -> str:
    return step.call.remember_id_token if isinstance(step.call, Call) else ""
