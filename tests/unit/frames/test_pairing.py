"""Which row answers which."""

from datetime import UTC, datetime, timedelta

from stationmaster.frames.rules.pairing import Partner, partner_of, round_trip_ms

AT = datetime(2026, 1, 1, tzinfo=UTC)


def test_a_stations_call_and_our_answer_share_their_place() -> None:
    assert partner_of("call") == Partner(("answer",), by_seq=True, is_answer=True)
    assert partner_of("answer") == Partner(("call",), by_seq=True, is_answer=False)


def test_our_command_and_its_result_share_the_message_id() -> None:
    assert partner_of("command") == Partner(("result", "error"), by_seq=False, is_answer=True)
    assert partner_of("error") == Partner(("command",), by_seq=False, is_answer=False)


def test_what_could_not_be_read_stands_alone() -> None:
    assert partner_of("invalid") is None


def test_how_long_an_answer_took() -> None:
    assert round_trip_ms(AT, AT + timedelta(milliseconds=1500)) == 1500
    assert round_trip_ms(AT, AT) is None
