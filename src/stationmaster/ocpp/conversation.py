"""What happens next on one OCPP-J connection, given what just arrived, was decided, or took too long?

The same brain serves both ends: the gateway towards a station and a simulated station towards a CSMS. It
knows no socket and no clock. ``now`` is seconds of a monotonic clock; every method returns effects, to be
carried out in order.

- At most one CALL of ours is unanswered at a time (OCPP-J 1.6, 4.1.1); others wait, bounded, each with a
  deadline.
- CALLs of the other side are delivered while fewer than ``incoming_window`` are in process, and answered in
  the order in which they came, whatever the order of the decisions.
- Answers that are late, unknown or given twice are ignored and counted; they never resolve another CALL.
"""

from collections import Counter, deque
from dataclasses import dataclass, field

import msgspec

from stationmaster.ocpp import limits
from stationmaster.ocpp.errors import BadFrame
from stationmaster.ocpp.frame import (
    Call,
    CallError,
    CallResult,
    Frame,
    encode_call,
    encode_error,
    encode_result,
)


class OutgoingCall(msgspec.Struct, frozen=True):
    """A CALL of ours. After ``deadline`` it is not sent any more, and an answer is not waited for."""

    id: str
    action: str
    payload: bytes
    deadline: float = float("inf")


class Send(msgspec.Struct, frozen=True):
    """Write these bytes. ``call`` is set when they are a CALL of ours: journal it before writing."""

    data: bytes
    call: OutgoingCall | None = None


class Deliver(msgspec.Struct, frozen=True):
    """The other side asks; say ``answer`` or ``refuse`` when it is decided."""

    call: Call


class DeliverBad(msgspec.Struct, frozen=True):
    """A CALL that is no proper frame but whose id can be read; ``refuse`` it in its turn."""

    error: BadFrame
    message_id: str


class Answered(msgspec.Struct, frozen=True):
    """Our CALL was answered: by ``payload``, or by ``error``."""

    call_id: str
    payload: bytes = b""
    error: CallError | None = None


class TimedOut(msgspec.Struct, frozen=True):
    """Our CALL was sent and no answer came in time."""

    call_id: str


class Dropped(msgspec.Struct, frozen=True):
    """Our CALL will not be (or was not) answered here: `queue_full`, `duplicate`, `invalid` (no JSON object),
    `expired` (never sent), or `closed`; ``was_sent`` tells whether the other side may have acted on it."""

    call_id: str
    reason: str
    was_sent: bool = False


class Ignored(msgspec.Struct, frozen=True):
    """Something arrived that changes nothing: `bad_frame`, `late_answer`, `duplicate_answer`,
    `unknown_answer`, `overflow`."""

    reason: str
    detail: str = ""


Effect = Send | Deliver | DeliverBad | Answered | TimedOut | Dropped | Ignored


@dataclass(slots=True)
class Conversation:
    """One connection's state; thrown away with the connection."""

    answer_within_s: float = limits.ANSWER_WITHIN_S
    incoming_window: int = limits.INCOMING_WINDOW
    backlog_max: int = limits.INCOMING_BACKLOG_MAX
    waiting_max: int = limits.CALLS_WAITING_MAX
    ignored: Counter[str] = field(default_factory=Counter)

    _waiting: deque[tuple[OutgoingCall, bytes]] = field(default_factory=deque)
    _outstanding: OutgoingCall | None = None
    _answer_due: float = float("inf")
    _finished: dict[str, str] = field(default_factory=dict)  # our call id -> how it ended
    # CALLs in process, oldest first: [message id, the bytes of the answer once there is one].
    _in_process: deque[list[str | bytes | None]] = field(default_factory=deque)
    _backlog: deque[Call | BadFrame] = field(default_factory=deque)

    @property
    def next_tick_at(self) -> float | None:
        """When ``tick`` has something to do at the earliest."""
        due = min((call.deadline for call, _ in self._waiting), default=float("inf"))
        due = min(due, self._answer_due)
        return None if due == float("inf") else due

    @property
    def wants_more(self) -> bool:
        """False: stop reading the socket until answers have gone out."""
        return len(self._in_process) < self.incoming_window

    @property
    def unanswered_incoming(self) -> int:
        """CALLs of the other side that we still owe an answer."""
        return len(self._in_process) + len(self._backlog)

    @property
    def outstanding(self) -> OutgoingCall | None:
        """The CALL of ours that awaits its answer."""
        return self._outstanding

    @property
    def waiting(self) -> int:
        """CALLs of ours that have not been sent yet."""
        return len(self._waiting)

    # What arrives.

    def received(self, frame: Frame | BadFrame, now: float) -> list[Effect]:
        """A frame came, or what ``frame.parse`` raised instead of one."""
        if isinstance(frame, Call):
            return self._asked(frame)
        if isinstance(frame, BadFrame):
            return self._asked(frame) if frame.message_id else [self._ignore("bad_frame", frame.reason)]
        return self._answer_arrived(frame, now)

    def _asked(self, item: Call | BadFrame) -> list[Effect]:
        if len(self._in_process) < self.incoming_window and not self._backlog:
            return [self._open(item)]
        if len(self._backlog) >= self.backlog_max:
            return [self._ignore("overflow", item.message_id or "")]
        self._backlog.append(item)
        return []

    def _open(self, item: Call | BadFrame) -> Effect:
        message_id = item.message_id
        assert message_id is not None
        self._in_process.append([message_id, None])
        return Deliver(item) if isinstance(item, Call) else DeliverBad(item, message_id)

    def _answer_arrived(self, frame: CallResult | CallError, now: float) -> list[Effect]:
        if self._outstanding is None or self._outstanding.id != frame.message_id:
            how = self._finished.get(frame.message_id)
            reason = {None: "unknown_answer", "answered": "duplicate_answer"}.get(how, "late_answer")
            return [self._ignore(reason, frame.message_id)]
        self._end_outstanding("answered")
        done = (
            Answered(frame.message_id, error=frame)
            if isinstance(frame, CallError)
            else Answered(frame.message_id, frame.payload)
        )
        return [done, *self._send_next(now)]

    # What we decided.

    def answer(self, message_id: str, payload: bytes) -> list[Effect]:
        """The answer to the oldest undecided CALL of this id. Unknown ids change nothing."""
        return self._decided(message_id, encode_result(message_id, payload))

    def refuse(self, message_id: str, code: str, description: str = "") -> list[Effect]:
        """As ``answer``, by a CALLERROR."""
        return self._decided(message_id, encode_error(message_id, code, description))

    def _decided(self, message_id: str, data: bytes) -> list[Effect]:
        entry = next((e for e in self._in_process if e[0] == message_id and e[1] is None), None)
        if entry is None:
            return []
        entry[1] = data
        effects: list[Effect] = []
        while self._in_process and isinstance(ready := self._in_process[0][1], bytes):
            effects.append(Send(ready))
            self._in_process.popleft()
        while self._backlog and len(self._in_process) < self.incoming_window:
            effects.append(self._open(self._backlog.popleft()))
        return effects

    # What we ask.

    def call(self, call: OutgoingCall, now: float) -> list[Effect]:
        """Ask now, or as soon as the CALLs before it are answered."""
        if self._knows(call.id):
            return [Dropped(call.id, "duplicate")]
        if call.deadline <= now:
            return [Dropped(call.id, "expired")]
        if len(self._waiting) >= self.waiting_max:
            return [Dropped(call.id, "queue_full")]
        try:
            data = encode_call(call.id, call.action, call.payload)
        except ValueError:
            return [Dropped(call.id, "invalid")]
        self._waiting.append((call, data))
        return self._send_next(now)

    def _knows(self, call_id: str) -> bool:
        outstanding = self._outstanding is not None and self._outstanding.id == call_id
        return outstanding or any(call.id == call_id for call, _ in self._waiting)

    def abandon(self, call_id: str, now: float) -> list[Effect]:
        """Forget a CALL of ours that must not be sent after all (or whose sending was refused)."""
        if self._outstanding is not None and self._outstanding.id == call_id:
            self._end_outstanding("abandoned")
            return self._send_next(now)
        self._waiting = deque(item for item in self._waiting if item[0].id != call_id)
        return []

    def _send_next(self, now: float) -> list[Effect]:
        effects: list[Effect] = []
        while self._outstanding is None and self._waiting:
            call, data = self._waiting.popleft()
            if call.deadline <= now:
                effects.append(Dropped(call.id, "expired"))
                continue
            self._outstanding = call
            self._answer_due = min(call.deadline, now + self.answer_within_s)
            effects.append(Send(data, call))
        return effects

    def _end_outstanding(self, how: str) -> None:
        assert self._outstanding is not None
        self._finished[self._outstanding.id] = how
        while len(self._finished) > limits.REMEMBERED_CALLS:
            del self._finished[next(iter(self._finished))]
        self._outstanding, self._answer_due = None, float("inf")

    # What takes too long, and the end.

    def tick(self, now: float) -> list[Effect]:
        """Time passed: the outstanding CALL may have timed out, waiting ones may have expired."""
        effects: list[Effect] = []
        if self._outstanding is not None and self._answer_due <= now:
            effects.append(TimedOut(self._outstanding.id))
            self._end_outstanding("timed_out")
        expired = [call for call, _ in self._waiting if call.deadline <= now]
        if expired:
            self._waiting = deque(item for item in self._waiting if item[0].deadline > now)
            effects.extend(Dropped(call.id, "expired") for call in expired)
        return [*effects, *self._send_next(now)]

    def closed(self) -> list[Effect]:
        """The connection is gone: what became of the CALLs of ours."""
        effects: list[Effect] = []
        if self._outstanding is not None:
            effects.append(Dropped(self._outstanding.id, "closed", was_sent=True))
            self._end_outstanding("closed")
        effects.extend(Dropped(call.id, "closed") for call, _ in self._waiting)
        self._waiting.clear()
        self._in_process.clear()
        self._backlog.clear()
        return effects

    def _ignore(self, reason: str, detail: str) -> Ignored:
        self.ignored[reason] += 1
        return Ignored(reason, detail[:120])
