"""Who answers a CALL that needs a decision, and what if nobody does in time?

The worker's answer comes over the reply queue; after ``decide_within_s`` the gateway decides by the offline
policy, and a later answer of the worker changes nothing: the station has heard one answer. Either way the
answer is on record, durably, before it is sent: the worker's as kind `answer`, ours as kind `given` with a
seq of the link, so that the worker books it in order.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec
import structlog

from stationmaster.contracts import envelope as contract
from stationmaster.contracts.commands import DecidedAnswer
from stationmaster.gateway import limits, metrics, offline
from stationmaster.gateway.stamping import error_payload
from stationmaster.ocpp.frame import Call, encode_error, encode_result

if TYPE_CHECKING:
    from stationmaster.gateway.link import Link

log = structlog.get_logger()


@dataclass(slots=True)
class _Pending:
    call: Call
    seq: int
    proposed: int | None
    timer: asyncio.TimerHandle
    is_durable: bool = False
    is_late: bool = False
    decided: DecidedAnswer | None = None


class Decisions:
    """The undecided CALLs of one link."""

    __slots__ = ("_link", "_pending")

    def __init__(self, link: "Link"):
        self._link = link
        self._pending: dict[int, _Pending] = {}

    def asked(self, call: Call, seq: int, proposed: int | None) -> Callable[[], None]:
        """Somebody has to decide this one; call the result when the CALL is durable in its turn."""
        within_s = self._link.kit.options.decide_within_s
        timer = asyncio.get_running_loop().call_later(within_s, self._late, seq)
        self._pending[seq] = _Pending(call, seq, proposed, timer)
        return lambda: self._durable(seq)

    def stop(self) -> None:
        """The link is gone: a retry on the next one finds the stored answer."""
        for pending in self._pending.values():
            pending.timer.cancel()
        self._pending.clear()

    def decided(self, answer: DecidedAnswer) -> None:
        """The worker's word. It may come before our own publish is confirmed: then it waits its turn."""
        pending = self._pending.get(answer.seq)
        if pending is None or pending.call.message_id != answer.message_id:
            metrics.DECISIONS.labels("worker_too_late").inc()
            return
        pending.decided = answer
        if pending.is_durable:
            self._answer(pending, answer)

    def _durable(self, seq: int) -> None:
        pending = self._pending.get(seq)
        if pending is None:
            return
        pending.is_durable = True
        if pending.decided is not None:
            self._answer(pending, pending.decided)
        elif pending.is_late:
            self._decide_here(pending)

    def _late(self, seq: int) -> None:
        pending = self._pending.get(seq)
        if pending is None or pending.decided is not None:
            return
        pending.is_late = True
        if pending.is_durable:
            self._decide_here(pending)

    def _answer(self, pending: _Pending, answer: DecidedAnswer) -> None:
        """On record, then said."""
        self._take(pending)
        if self._link.is_over:
            return
        metrics.DECISIONS.labels("worker").inc()
        link, message_id, payload = self._link, pending.call.message_id, bytes(answer.payload)
        code = answer.error_code

        def said(is_durable: bool) -> None:
            if not is_durable:
                link.fail()
            elif code:
                link.refuse(message_id, code, "")
            else:
                link.say(message_id, payload)

        frame = encode_error(message_id, code) if code else encode_result(message_id, payload)
        content = error_payload(code, "") if code else answer.payload
        link.frames.log_only(
            contract.ANSWER, pending.seq, pending.call.action, message_id, content, frame, said
        )

    def _decide_here(self, pending: _Pending) -> None:
        """Nobody else will: by the policy, with what we know."""
        link, call, kit = self._link, pending.call, self._link.kit
        if link.is_over:
            return
        id_token, connector_id = offline.asked_for(call.payload)
        known = kit.id_tokens.known(link.record, id_token, connector_id)
        is_accepted = offline.accepts(kit.options.offline, known)
        given = offline.answer(call.action, is_accepted=is_accepted, transaction_id=pending.proposed)
        if given is None:
            self._undecidable(pending)
            return
        self._take(pending)
        metrics.DECISIONS.labels(given.by).inc()
        log.info(
            "gateway.decided_offline",
            station=link.station_id,
            action=call.action,
            by=given.by,
            token=known.value,
        )
        frame = msgspec.Raw(encode_result(call.message_id, given.payload))
        step = link.frames.stamp(
            contract.GIVEN, call.action, call.message_id, msgspec.Raw(given.payload), frame, kit.clock.now(),
            answers_seq=pending.seq,
        )  # fmt: skip
        step.then = lambda: link.say(call.message_id, given.payload)

    def _undecidable(self, pending: _Pending) -> None:
        """No leased id: a decision may still come; after that the station is sent away with its copy."""
        metrics.DECISIONS.labels("undecidable").inc()
        loop = asyncio.get_running_loop()
        pending.timer = loop.call_later(limits.UNDECIDABLE_WITHIN_S, self._link.fail)

    def _take(self, pending: _Pending) -> None:
        pending.timer.cancel()
        del self._pending[pending.seq]
