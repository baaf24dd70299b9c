"""Whatever happens on a connection: never two unanswered CALLs of ours, and every answer in its order."""

from collections import deque

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from stationmaster.ocpp.conversation import (
    Answered,
    Conversation,
    Deliver,
    Dropped,
    Effect,
    Ignored,
    OutgoingCall,
    Send,
    TimedOut,
)
from stationmaster.ocpp.frame import Call, CallError, CallResult, parse


class Talk(RuleBasedStateMachine):
    """A model of both ends beside the real thing."""

    def __init__(self) -> None:
        super().__init__()
        self.conversation = Conversation(
            answer_within_s=10.0, incoming_window=3, backlog_max=5, waiting_max=4
        )
        self.now = 0.0
        self.unanswered: set[str] = set()  # sent, no outcome yet
        self.asked: set[str] = set()  # calls that have no outcome yet
        self.outcomes: list[str] = []
        self.came: deque[str] = deque()  # their calls that must be answered, oldest first
        self.undecided: list[str] = []
        self.numbers = 0

    def perform(self, effects: list[Effect]) -> None:
        for effect in effects:
            match effect:
                case Send(data, call) if call is not None:
                    assert not self.unanswered, "two unanswered calls of ours"
                    assert call.deadline > self.now
                    assert isinstance(parse(data), Call)
                    self.unanswered.add(call.id)
                case Send(data):
                    frame = parse(data)
                    assert frame.message_id == self.came.popleft(), "answered out of order"
                case Deliver(call):
                    self.undecided.append(call.message_id)
                case Answered(call_id) | TimedOut(call_id):
                    self.unanswered.remove(call_id)
                    self.finish(call_id)
                case Dropped(call_id):
                    self.finish(call_id)

    def finish(self, call_id: str) -> None:
        assert call_id not in self.outcomes, "two outcomes of one call"
        self.outcomes.append(call_id)
        self.asked.remove(call_id)

    def number(self) -> str:
        self.numbers += 1
        return f"n{self.numbers}"

    @rule(patience=st.floats(-1.0, 30.0))
    def we_ask(self, patience: float) -> None:
        call_id = self.number()
        self.asked.add(call_id)
        self.perform(
            self.conversation.call(OutgoingCall(call_id, "Reset", b"{}", self.now + patience), self.now)
        )

    @rule()
    def they_ask(self) -> None:
        message_id = self.number()
        effects = self.conversation.received(Call(message_id, "Heartbeat", b"{}"), self.now)
        if not any(isinstance(effect, Ignored) for effect in effects):
            self.came.append(message_id)
        self.perform(effects)

    @precondition(lambda self: self.undecided)
    @rule(data=st.data(), refuse=st.booleans())
    def we_decide(self, data: st.DataObject, refuse: bool) -> None:
        message_id = data.draw(st.sampled_from(self.undecided))
        self.undecided.remove(message_id)
        if refuse:
            self.perform(self.conversation.refuse(message_id, "GenericError"))
        else:
            self.perform(self.conversation.answer(message_id, b"{}"))

    @rule(data=st.data(), error=st.booleans())
    def they_answer_something(self, data: st.DataObject, error: bool) -> None:
        """Any id that ever was, or one that never was: late, twice, unknown."""
        candidates = [*self.asked, *self.outcomes, "never"]
        call_id = data.draw(st.sampled_from(sorted(candidates)))
        expected = call_id in self.unanswered
        frame = CallError(call_id, "GenericError") if error else CallResult(call_id, b"{}")
        effects = self.conversation.received(frame, self.now)
        assert any(isinstance(effect, Answered) for effect in effects) == expected
        assert any(isinstance(effect, Ignored) for effect in effects) != expected
        self.perform(effects)

    @precondition(lambda self: self.unanswered)
    @rule()
    def they_answer(self) -> None:
        (call_id,) = self.unanswered
        self.perform(self.conversation.received(CallResult(call_id, b"{}"), self.now))

    @rule(seconds=st.floats(0.0, 8.0))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds
        self.perform(self.conversation.tick(self.now))

    @rule()
    def connection_ends(self) -> None:
        self.perform(self.conversation.closed())
        self.unanswered.clear()
        assert not self.asked, "a call without an outcome"
        self.came.clear()
        self.undecided.clear()

    @invariant()
    def bounds_hold(self) -> None:
        assert len(self.unanswered) <= 1
        assert self.conversation.waiting <= 4
        assert len(self.undecided) <= 3
        assert self.conversation.unanswered_incoming == len(self.came) <= 8

    @invariant()
    def a_tick_is_promised_whenever_something_can_expire(self) -> None:
        assert (self.conversation.next_tick_at is None) == (not self.asked)
        if self.unanswered:
            assert self.conversation.next_tick_at is not None
            assert self.conversation.next_tick_at <= self.now + 10.0


TestConversation = Talk.TestCase
TestConversation.settings = settings(max_examples=120, stateful_step_count=40, deadline=None)
