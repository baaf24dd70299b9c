"""What happens on one station's connection, from LinkOpened to LinkClosed?

Every frame is stamped (station, epoch, seq) and its publish is started at once; answers leave in the order of
the frames, and none leaves before its own frame and all before it are durable. Heartbeat alone waits for
nothing.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime

import msgspec

from stationmaster.contracts import envelope as contract
from stationmaster.gateway import limits, metrics
from stationmaster.gateway.calls import Calls
from stationmaster.gateway.decisions import Decisions
from stationmaster.gateway.kit import Kit
from stationmaster.gateway.ordered_frames import OrderedFrames, Step
from stationmaster.gateway.ports import StationRecord
from stationmaster.gateway.rates import Bucket
from stationmaster.gateway.socket import ENDING, IN_FLIGHT, TOO_FAST, StationSocket
from stationmaster.gateway.stamping import (
    document,
    error_payload,
    error_payload_of,
    json_string,
    wire_time,
)
from stationmaster.ocpp.actions16 import DECIDED
from stationmaster.ocpp.conversation import (
    Answered,
    Conversation,
    Deliver,
    DeliverBad,
    Dropped,
    Effect,
    Ignored,
    Send,
    TimedOut,
)
from stationmaster.ocpp.errors import BadFrame, NotImplementedByUs
from stationmaster.ocpp.frame import Call, CallError, CallResult, encode_error, encode_result, parse
from stationmaster.ocpp.immediate import answer as immediate_answer

_NULL = msgspec.Raw(b"null")


class Link:
    """One admitted connection. ``is_over``: closed, replaced or failed; nothing is answered any more."""

    __slots__ = (
        "_bucket", "_held", "_rest", "_talk", "calls", "decisions", "epoch", "frames", "is_over", "kit",
        "opened_at", "record", "socket", "station_id",
    )  # fmt: skip

    def __init__(self, socket: StationSocket, record: StationRecord, epoch: int, kit: Kit):
        options = kit.options
        self.socket, self.record, self.epoch, self.kit = socket, record, epoch, kit
        self.station_id = record.station_id
        self.opened_at = wire_time(kit.clock.now())
        self.is_over = False
        self._rest: asyncio.TimerHandle | None = None
        self._held: list[tuple[bytes, datetime]] = []  # short; an empty deque weighs 760 bytes per link
        self._talk = Conversation(answer_within_s=options.answer_within_s)
        self._bucket = (
            Bucket(options.frames_per_s, options.frames_burst, kit.clock.monotonic())
            if options.frames_per_s
            else None
        )
        self.frames = OrderedFrames(kit, record, epoch, say=self.say, failed=self.fail, moved=self._go_on)
        self.decisions = Decisions(self)
        self.calls = Calls(self, self._talk)

    # Its life.

    def open(self) -> None:
        """LinkOpened is the first frame; what came early follows."""
        candidate = self.socket.candidate
        self._mark(
            contract.LINK_OPENED,
            {
                "remoteAddress": candidate.address,
                "subprotocol": candidate.subprotocol,
                "securityProfile": self.record.security_profile,
                "gatewayId": self.kit.gateway_id,
                "path": candidate.path,
            },
        )
        self.socket.bind(self)

    def hear_no_more(self) -> None:
        """Before the end: what was heard may still be answered."""
        self.socket.pause(ENDING)

    def end(self, code: int, reason: str) -> None:
        """We end it: from here on nothing is answered, so the station keeps what it said."""
        self.is_over = True
        self.socket.close(code, reason)

    def fail(self) -> None:
        """A frame could be made durable nowhere: the station must keep its copy."""
        if not self.is_over:
            self.end(1013, "try again later")

    def on_closed(self, code: int, reason: str) -> None:
        self.is_over = True
        self.carry_out(self._talk.closed())
        self.decisions.stop()
        self.calls.stop()
        self._mark(contract.LINK_CLOSED, {"code": code, "reason": reason[:200], "lastSeq": self.frames.seq})
        self.kit.closed(self)

    def _mark(self, what: str, content: dict[str, object]) -> None:
        self.frames.stamp(
            contract.LINK, what, "", msgspec.Raw(document(content)), _NULL, self.kit.clock.now()
        )

    # What arrives.

    def on_text(self, data: bytes) -> None:
        if self.is_over:
            return
        self._take(data)
        if len(self.frames) >= limits.IN_FLIGHT_MAX or not self._talk.wants_more:
            self.socket.pause(IN_FLIGHT)

    def on_ping(self) -> None:
        self._count()

    def _count(self) -> None:
        """Against the station's rate."""
        if self._bucket is not None and (wait_s := self._bucket.take(self.kit.clock.monotonic())) > 0.0:
            self._slow_down(wait_s)

    def _take(self, data: bytes) -> None:
        self._count()
        try:
            frame = parse(data)
        except BadFrame as bad:
            self._on_bad(bad, data)
            return
        if isinstance(frame, Call):
            if frame.action == "Heartbeat" and not self.record.capture:
                self._heartbeat(frame)
            else:
                self._hear(frame, data)
        else:
            self._on_answer(frame, data)

    def on_unreadable(self, data: bytes, reason: str) -> None:
        if not self.is_over:
            self._invalid("", data, "FormationViolation", reason, self.kit.clock.now())

    def _heartbeat(self, call: Call) -> None:
        metrics.count_in("call", "Heartbeat")
        self.kit.heartbeats.count(self.station_id)
        payload = immediate_answer(
            "Heartbeat", call.payload, now=self.kit.clock.now(), heartbeat_interval_s=0
        )
        assert payload is not None
        self._write(encode_result(call.message_id, payload))

    def _hear(self, asked: Call | BadFrame, data: bytes) -> None:
        """A CALL, or the ruin of one. Without effects it waits for its turn, and so do its bytes."""
        at = self.kit.clock.now()
        effects = self._talk.received(asked, 0.0)
        if not effects:
            self._held.append((data, at))
        for effect in effects:
            if isinstance(effect, Deliver):
                self._deliver(effect.call, data, at)
            elif isinstance(effect, DeliverBad):
                self._deliver_bad(effect, data, at)
            else:
                self._apply(effect)

    def _deliver(self, call: Call, data: bytes, at: datetime) -> None:
        """Stamp it with the answer that needs nobody's decision; else somebody must decide."""
        action, options = call.action, self.kit.options
        metrics.count_in("call", action)
        answer = immediate_answer(
            action, call.payload, now=at, heartbeat_interval_s=options.heartbeat_interval_s
        )
        if answer is None:
            self._deliver_undecided(call, data, at)
            return
        self.frames.stamp(
            contract.CALL, action, call.message_id, msgspec.Raw(call.payload), msgspec.Raw(data), at,
            answer=answer,
        )  # fmt: skip

    def _deliver_undecided(self, call: Call, data: bytes, at: datetime) -> None:
        payload, raw = msgspec.Raw(call.payload), msgspec.Raw(data)
        if call.action not in DECIDED:
            step = self.frames.stamp(contract.CALL, call.action, call.message_id, payload, raw, at)
            refuse = NotImplementedByUs.ocpp_code, "unknown action"
            step.then = self._refusal(call.action, call.message_id, self.frames.seq, *refuse)
            return
        proposed = self.kit.transaction_ids.take() if call.action == "StartTransaction" else None
        step = self.frames.stamp(
            contract.CALL, call.action, call.message_id, payload, raw, at, proposed=proposed
        )
        step.then = self.decisions.asked(call, self.frames.seq, proposed)

    def _on_bad(self, bad: BadFrame, data: bytes) -> None:
        if bad.message_id:
            self._hear(bad, data)
            return
        self._invalid("", data, bad.code, bad.reason, self.kit.clock.now())
        self.carry_out(self._talk.received(bad, 0.0))

    def _deliver_bad(self, bad: DeliverBad, data: bytes, at: datetime) -> None:
        code, reason = bad.error.code, bad.error.reason
        step = self._invalid(bad.message_id, data, code, reason, at)
        step.then = self._refusal("Invalid", bad.message_id, self.frames.seq, code, reason)

    def _invalid(self, message_id: str, data: bytes, code: str, reason: str, at: datetime) -> Step:
        metrics.count_in("invalid", "")
        payload = error_payload(code, reason)
        return self.frames.stamp(contract.INVALID, "Invalid", message_id, payload, json_string(data), at)

    def _on_answer(self, frame: CallResult | CallError, data: bytes) -> None:
        """A station's answer to a command of ours."""
        if isinstance(frame, CallError):
            kind, payload = contract.ERROR, error_payload_of(frame)
        else:
            kind, payload = contract.RESULT, msgspec.Raw(frame.payload)
        metrics.count_in(kind, "")
        action = self.calls.action_of(frame.message_id)
        self.frames.stamp(kind, action, frame.message_id, payload, msgspec.Raw(data), self.kit.clock.now())
        self.carry_out(self._talk.received(frame, self.kit.clock.monotonic()))
        self.calls.arm()

    def _slow_down(self, wait_s: float) -> None:
        """Read on when the debt is waited off; every frame that was read already adds to it."""
        self.socket.pause(TOO_FAST)
        if self._rest is not None:
            self._rest.cancel()
        self._rest = asyncio.get_running_loop().call_later(wait_s, self.socket.resume, TOO_FAST)

    # Answers.

    def _go_on(self) -> None:
        if len(self.frames) < limits.IN_FLIGHT_MAX and self._talk.wants_more:
            self.socket.resume(IN_FLIGHT)

    def say(self, message_id: str, payload: bytes) -> None:
        """The answer, durable, in its turn."""
        if not self.is_over:
            self.carry_out(self._talk.answer(message_id, payload))
            self._go_on()

    def refuse(self, message_id: str, code: str, description: str) -> None:
        if not self.is_over:
            self.carry_out(self._talk.refuse(message_id, code, description))
            self._go_on()

    def _refusal(
        self, message_type: str, message_id: str, seq: int, code: str, reason: str
    ) -> Callable[[], None]:
        """A CALLERROR: on record first, then said."""

        def said(is_durable: bool) -> None:
            self.refuse(message_id, code, reason) if is_durable else self.fail()

        def record() -> None:
            frame = encode_error(message_id, code, reason)
            self.frames.log_only(
                contract.ANSWER, seq, message_type, message_id, error_payload(code, reason), frame, said
            )

        return record

    # What the conversation wants done.

    def carry_out(self, effects: list[Effect]) -> None:
        for effect in effects:
            if isinstance(effect, Send) and effect.call is None:
                self._write(effect.data)
            else:
                self._apply(effect)

    def _apply(self, effect: Effect) -> None:
        match effect:
            case Send(data=data):
                metrics.OUT_CALL.inc()
                self.socket.send(data)
            case Deliver(call=call):
                self._deliver(call, *self._held.pop(0))
            case DeliverBad():
                self._deliver_bad(effect, *self._held.pop(0))
            case Ignored(reason=reason):
                metrics.IGNORED.labels(reason).inc()
            case Answered() | TimedOut() | Dropped():
                self.calls.ended(effect)

    def _write(self, data: bytes) -> None:
        metrics.OUT_RESULT.inc()
        self.socket.send(data)
