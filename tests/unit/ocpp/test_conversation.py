"""One connection, both directions, without a socket."""

import pytest

from stationmaster.ocpp.conversation import (
    Answered,
    Conversation,
    Deliver,
    DeliverBad,
    Dropped,
    Ignored,
    OutgoingCall,
    Send,
    TimedOut,
)
from stationmaster.ocpp.errors import BadFrame
from stationmaster.ocpp.frame import Call, CallError, CallResult, encode_call


def ours(call_id: str, *, deadline: float = 1000.0) -> OutgoingCall:
    return OutgoingCall(call_id, "Reset", b'{"type":"Soft"}', deadline)


def theirs(message_id: str) -> Call:
    return Call(message_id, "Heartbeat", b"{}")


def sent_ids(effects: object) -> list[str]:
    assert isinstance(effects, list)
    return [effect.call.id for effect in effects if isinstance(effect, Send) and effect.call]


# What the station asks.


def test_a_call_is_delivered_and_its_answer_sent() -> None:
    conversation = Conversation()
    assert conversation.received(theirs("1"), 0.0) == [Deliver(theirs("1"))]
    assert conversation.answer("1", b"{}") == [Send(b'[3,"1",{}]')]
    assert conversation.unanswered_incoming == 0


def test_answers_go_out_in_the_order_of_the_calls() -> None:
    conversation = Conversation()
    for message_id in ("1", "2", "3"):
        conversation.received(theirs(message_id), 0.0)
    assert conversation.answer("2", b"{}") == []
    assert conversation.answer("3", b"{}") == []
    assert conversation.refuse("1", "GenericError") == [
        Send(b'[4,"1","GenericError","",{}]'),
        Send(b'[3,"2",{}]'),
        Send(b'[3,"3",{}]'),
    ]


def test_no_more_than_the_window_is_in_process() -> None:
    conversation = Conversation(incoming_window=2)
    delivered = [conversation.received(theirs(str(n)), 0.0) for n in range(100)]
    assert sum(len(effects) for effects in delivered if isinstance((effects or [None])[0], Deliver)) == 2
    assert not conversation.wants_more
    effects = conversation.answer("0", b"{}")
    assert effects == [Send(b'[3,"0",{}]'), Deliver(theirs("2"))]


def test_the_backlog_is_bounded_and_what_overflows_is_counted() -> None:
    conversation = Conversation(incoming_window=1, backlog_max=2)
    for n in range(3):
        conversation.received(theirs(str(n)), 0.0)
    assert conversation.received(theirs("3"), 0.0) == [Ignored("overflow", "3")]
    assert conversation.ignored["overflow"] == 1


def test_the_same_message_id_twice_is_answered_twice() -> None:
    conversation = Conversation()
    conversation.received(theirs("1"), 0.0)
    conversation.received(theirs("1"), 0.0)
    assert conversation.answer("1", b'{"n":1}') == [Send(b'[3,"1",{"n":1}]')]
    assert conversation.answer("1", b'{"n":2}') == [Send(b'[3,"1",{"n":2}]')]
    assert conversation.answer("1", b"{}") == []


def test_an_answer_nobody_waits_for_changes_nothing() -> None:
    assert Conversation().answer("9", b"{}") == []


def test_a_bad_frame_with_an_id_is_refused_in_its_turn() -> None:
    conversation = Conversation()
    bad = BadFrame("FormationViolation", "NaN", "2")
    conversation.received(theirs("1"), 0.0)
    assert conversation.received(bad, 0.0) == [DeliverBad(bad, "2")]
    assert conversation.refuse("2", bad.code, bad.reason) == []
    assert conversation.answer("1", b"{}")[1:] == [Send(b'[4,"2","FormationViolation","NaN",{}]')]


def test_a_bad_frame_without_an_id_is_ignored_and_counted() -> None:
    conversation = Conversation()
    effects = conversation.received(BadFrame("ProtocolError", "no list"), 0.0)
    assert effects == [Ignored("bad_frame", "no list")]
    assert conversation.ignored["bad_frame"] == 1


# What we ask.


def test_one_call_of_ours_at_a_time() -> None:
    conversation = Conversation()
    assert conversation.call(ours("a"), 0.0) == [
        Send(encode_call("a", "Reset", b'{"type":"Soft"}'), ours("a"))
    ]
    assert conversation.call(ours("b"), 0.0) == []
    assert conversation.waiting == 1
    effects = conversation.received(CallResult("a", b'{"status":"Accepted"}'), 1.0)
    assert effects[0] == Answered("a", b'{"status":"Accepted"}')
    assert sent_ids(effects) == ["b"]


def test_an_error_is_an_answer() -> None:
    conversation = Conversation()
    conversation.call(ours("a"), 0.0)
    error = CallError("a", "NotSupported")
    assert conversation.received(error, 1.0) == [Answered("a", error=error)]


def test_an_unanswered_call_times_out_and_the_next_goes() -> None:
    conversation = Conversation(answer_within_s=10.0)
    conversation.call(ours("a"), 0.0)
    conversation.call(ours("b"), 0.0)
    assert conversation.next_tick_at == 10.0
    assert conversation.tick(9.9) == []
    effects = conversation.tick(10.0)
    assert effects[0] == TimedOut("a")
    assert sent_ids(effects) == ["b"]
    assert conversation.next_tick_at == 20.0


def test_a_deadline_shortens_the_waiting() -> None:
    conversation = Conversation(answer_within_s=10.0)
    conversation.call(ours("a", deadline=3.0), 0.0)
    assert conversation.next_tick_at == 3.0
    assert conversation.tick(3.0) == [TimedOut("a")]
    assert conversation.next_tick_at is None


def test_a_call_past_its_deadline_is_never_sent() -> None:
    conversation = Conversation()
    assert conversation.call(ours("a", deadline=5.0), 5.0) == [Dropped("a", "expired")]
    conversation.call(ours("b"), 5.0)
    conversation.call(ours("c", deadline=6.0), 5.0)
    assert conversation.received(CallResult("b", b"{}"), 7.0) == [
        Answered("b", b"{}"),
        Dropped("c", "expired"),
    ]


def test_a_waiting_call_expires_by_the_clock() -> None:
    conversation = Conversation(answer_within_s=100.0)
    conversation.call(ours("a"), 0.0)
    conversation.call(ours("b", deadline=6.0), 0.0)
    assert conversation.next_tick_at == 6.0
    assert conversation.tick(6.0) == [Dropped("b", "expired")]


@pytest.mark.parametrize("answer", [CallResult("a", b"{}"), CallError("a", "GenericError")])
def test_a_late_answer_resolves_nothing(answer: CallResult | CallError) -> None:
    conversation = Conversation(answer_within_s=1.0)
    conversation.call(ours("a"), 0.0)
    conversation.tick(1.0)
    conversation.call(ours("b"), 1.0)
    assert conversation.received(answer, 1.5) == [Ignored("late_answer", "a")]
    assert conversation.outstanding == ours("b")


def test_a_second_answer_and_an_unknown_one_are_ignored_and_counted() -> None:
    conversation = Conversation()
    conversation.call(ours("a"), 0.0)
    conversation.received(CallResult("a", b"{}"), 0.0)
    assert conversation.received(CallResult("a", b"{}"), 0.0) == [Ignored("duplicate_answer", "a")]
    assert conversation.received(CallResult("x", b"{}"), 0.0) == [Ignored("unknown_answer", "x")]
    assert conversation.ignored == {"duplicate_answer": 1, "unknown_answer": 1}


def test_an_answer_to_a_call_that_only_waits_is_ignored() -> None:
    conversation = Conversation()
    conversation.call(ours("a"), 0.0)
    conversation.call(ours("b"), 0.0)
    assert conversation.received(CallResult("b", b"{}"), 0.0) == [Ignored("unknown_answer", "b")]
    assert conversation.waiting == 1


def test_the_waiting_queue_is_bounded() -> None:
    conversation = Conversation(waiting_max=1)
    conversation.call(ours("a"), 0.0)
    conversation.call(ours("b"), 0.0)
    assert conversation.call(ours("c"), 0.0) == [Dropped("c", "queue_full")]


def test_the_same_call_is_not_asked_twice() -> None:
    conversation = Conversation()
    conversation.call(ours("a"), 0.0)
    assert conversation.call(ours("a"), 0.0) == [Dropped("a", "duplicate")]


@pytest.mark.parametrize("payload", [b"", b"[]", b'{"a":', b"null"])
def test_a_call_that_is_no_json_object_is_not_sent(payload: bytes) -> None:
    conversation = Conversation()
    assert conversation.call(OutgoingCall("a", "Reset", payload), 0.0) == [Dropped("a", "invalid")]
    assert conversation.outstanding is None


def test_an_abandoned_call_makes_room() -> None:
    conversation = Conversation()
    for call_id in ("a", "b", "c"):
        conversation.call(ours(call_id), 0.0)
    assert conversation.abandon("c", 0.0) == []
    assert sent_ids(conversation.abandon("a", 0.0)) == ["b"]
    assert conversation.waiting == 0


def test_the_end_tells_what_became_of_each_call() -> None:
    conversation = Conversation()
    conversation.received(theirs("1"), 0.0)
    conversation.call(ours("a"), 0.0)
    conversation.call(ours("b"), 0.0)
    assert conversation.closed() == [Dropped("a", "closed", was_sent=True), Dropped("b", "closed")]
    assert conversation.answer("1", b"{}") == []
    assert conversation.next_tick_at is None
