"""What a station's answer means."""

import msgspec
import pytest

from stationmaster.contracts.commands import CommandOutcome
from stationmaster.stations.rules.command_outcome import Verdict, classify


def an_outcome(state: str, answer: bytes = b"null", error: str = "") -> CommandOutcome:
    return CommandOutcome(
        command_id="cmd_1",
        device_id="CP1",
        command="Reset",
        state=state,
        answer=msgspec.Raw(answer),
        error=error,
    )


@pytest.mark.parametrize("word", ["Accepted", "Scheduled", "RebootRequired", "Unlocked"])
def test_these_words_are_a_yes(word: str) -> None:
    assert classify(an_outcome("answered", b'{"status":"%s"}' % word.encode())) == Verdict("accepted", word)


@pytest.mark.parametrize("word", ["Rejected", "NotSupported", "UnlockFailed", "accepted", ""])
def test_everything_else_is_a_no(word: str) -> None:
    assert classify(an_outcome("answered", b'{"status":"%s"}' % word.encode())) == Verdict("rejected", word)


def test_an_answer_without_a_status_is_a_yes() -> None:
    assert classify(an_outcome("answered", b'{"configurationKey":[]}')) == Verdict("accepted")


@pytest.mark.parametrize("answer", [b"null", b"[]", b"17", b'{"status":3}', b"{"])
def test_an_unreadable_answer_is_a_failure(answer: bytes) -> None:
    verdict = classify(an_outcome("answered", answer))
    assert verdict.state == "failed"
    assert verdict.error


@pytest.mark.parametrize("state", ["failed", "timed_out", "offline", "expired"])
def test_what_is_known_without_the_station_stays(state: str) -> None:
    assert classify(an_outcome(state, error="why")) == Verdict(state, "", "why")


def test_an_outcome_that_we_do_not_know_is_a_failure() -> None:
    assert classify(an_outcome("sent")).state == "failed"
