"""The judge of loss tests must itself notice every kind of loss: each history is spoiled in one place."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from tests.support.loss import LogRow, compare

from stationmaster.simulator.journal import AnsweredCall, Journal, ReceivedCommand, SentCall

START = datetime(2026, 1, 1, 12, 0, 0, 123_456, tzinfo=UTC)
Log = list[LogRow]


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def ms(when: datetime) -> datetime:
    return when.replace(microsecond=when.microsecond // 1000 * 1000)


def history() -> tuple[Journal, Log]:
    """A call; one sent twice, answered the second time; one refused; a command; one nobody answered."""
    journal, log = Journal(), []

    def call(name: str, seconds: float, seq: int, *, heard: bool = True, error: str = "") -> None:
        payload, answer = b'{"n":"%b"}' % name.encode(), b'{"to":"%b"}' % name.encode()
        common: dict[str, Any] = {
            "station_id": "CP1",
            "message_id": name,
            "action": "MeterValues",
            "payload": msgspec.Raw(payload),
        }
        journal.said(SentCall(**common, sent_at=at(seconds)))
        told = b'{"errorCode":"%b"}' % error.encode() if error else answer
        when = ms(at(seconds))
        log.append(LogRow("CP1", 1, "call", seq, name, "MeterValues", payload.decode(), when))
        log.append(LogRow("CP1", 1, "answer", seq, name, "MeterValues", told.decode(), when))
        if heard:
            journal.answered(
                AnsweredCall(
                    **common,
                    answer=msgspec.Raw(answer),
                    error_code=error,
                    sent_at=at(seconds),
                    answered_at=at(seconds + 0.5),
                )
            )

    call("a", 0, 1)
    call("b", 1, 2, heard=False)
    call("b", 2, 3)
    call("c", 3, 4, error="InternalError")
    call("d", 4, 5, heard=False)
    journal.said(
        SentCall(
            station_id="CP1",
            message_id="e",
            action="StopTransaction",
            payload=msgspec.Raw(b"{}"),
            sent_at=at(5),
        )
    )
    journal.commanded(
        ReceivedCommand(
            station_id="CP1",
            message_id="cmd",
            action="Reset",
            payload=msgspec.Raw(b'{"type":"Soft"}'),
            answer=msgspec.Raw(b'{"status":"Accepted"}'),
            received_at=at(6),
            answered_at=at(6),
        )
    )
    log.append(LogRow("CP1", 1, "command", 1, "cmd", "Reset", '{"type":"Soft"}', at(5.9)))
    log.append(LogRow("CP1", 1, "result", 6, "cmd", "Reset", '{"status":"Accepted"}', at(6.1)))
    return journal, log


def test_a_true_log_is_found_true() -> None:
    found = compare(*history())
    assert found.problems == []
    assert found.counts["calls_answered"] == 3
    assert found.counts["calls_logged_but_unheard"] == 2  # b's first time, and d


def test_what_was_sent_and_never_answered_need_not_be_there() -> None:
    journal, log = history()
    assert compare(journal, [row for row in log if row.message_id != "d"]).problems == []
    found = compare(journal, [row for row in log if row.kind != "result"])
    assert (found.problems, found.counts["results_lost_with_their_socket"]) == ([], 1)


def _index(log: Log, kind: str, name: str, nth: int = 0) -> int:
    return [i for i, row in enumerate(log) if (row.kind, row.message_id) == (kind, name)][nth]


def _without(kind: str, name: str, nth: int = 0) -> Callable[[Log], None]:
    def spoil(log: Log) -> None:
        del log[_index(log, kind, name, nth)]

    return spoil


def _again(kind: str, name: str, /, **change: object) -> Callable[[Log], None]:
    return lambda log: log.append(replace(log[_index(log, kind, name)], **change))  # type: ignore[arg-type]


def _changed(kind: str, name: str, /, **change: object) -> Callable[[Log], None]:
    def spoil(log: Log) -> None:
        index = _index(log, kind, name)
        log[index] = replace(log[index], **change)  # type: ignore[arg-type]

    return spoil


@pytest.mark.parametrize(
    ("spoil", "word"),
    [
        (_without("call", "a"), "lost_call"),
        (_without("call", "b", 1), "lost_call"),  # the first time is there: that was not the answered one
        (_without("answer", "a"), "lost_answer"),
        (_without("answer", "c"), "lost_answer"),
        (_without("command", "cmd"), "lost_command"),
        (_again("call", "a", seq=9), "doubled_call"),
        (_again("answer", "a", at=at(0.2)), "doubled_answer"),
        (_again("call", "d", seq=9), "made_up_call"),
        (_again("call", "a", seq=9, message_id="x"), "made_up_call"),
        (_again("answer", "a", seq=9), "answer_to_nothing"),
        (_again("result", "cmd", message_id="x"), "made_up_result"),
        (_again("call", "a", kind="invalid"), "unexpected_kind"),
        (_changed("call", "a", payload='{"n":"A"}'), "altered_call"),
        (_changed("call", "d", payload='{"n":"D"}'), "altered_call"),
        (_changed("answer", "a", payload='{"to":"A"}'), "altered_answer"),
        (_changed("answer", "c", payload='{"errorCode":"Other"}'), "altered_answer"),
        (_changed("command", "cmd", payload='{"type":"Hard"}'), "altered_command"),
        (_changed("result", "cmd", payload='{"status":"Rejected"}'), "altered_result"),
    ],
)
def test_every_kind_of_loss_is_noticed(spoil: Callable[[Log], None], word: str) -> None:
    journal, log = history()
    spoil(log)
    assert word in compare(journal, log).counts


def test_a_command_that_reached_the_station_twice_is_noticed() -> None:
    journal, log = history()
    journal.commanded(journal.commands[0])
    assert "doubled_command" in compare(journal, log).counts


def test_frames_that_were_numbered_in_another_order_are_noticed() -> None:
    journal, log = history()
    swapped = {1: 3, 3: 1}
    log = [replace(row, seq=swapped.get(row.seq, row.seq)) for row in log]
    assert compare(journal, log).counts["inverted"] == 1
    older = [replace(row, epoch=0) if row.seq == 4 else row for row in history()[1]]
    assert compare(journal, older).counts["inverted"] == 1


def test_each_single_row_of_an_answered_call_is_missed_when_it_is_gone() -> None:
    journal, log = history()
    needed = [row for row in log if row.message_id in {"a", "c"} or row.kind == "command"]
    for row in needed:
        assert compare(journal, [other for other in log if other is not row]).problems, row
