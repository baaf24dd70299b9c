"""The ground truth survives in a file."""

from datetime import UTC, datetime
from pathlib import Path

import msgspec

from stationmaster.simulator.journal import AnsweredCall, Journal, MeterTruth, read
from stationmaster.simulator.model import Transaction

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def a_call(message_id: str) -> AnsweredCall:
    return AnsweredCall(
        station_id="CP1",
        message_id=message_id,
        action="Heartbeat",
        payload=msgspec.Raw(b"{}"),
        answer=msgspec.Raw(b'{"currentTime":"x"}'),
        sent_at=NOW,
        answered_at=NOW,
    )


def a_transaction() -> Transaction:
    return Transaction("CP1", 1, "CARD", 100, NOW, is_remote=True, id=7)


def test_a_stopped_transaction_tells_its_energy() -> None:
    journal = Journal()
    transaction = a_transaction()
    journal.transactions.append(transaction)
    assert journal.meter_truths() == []
    transaction.meter_stop, transaction.stopped_at, transaction.reason = 350, NOW, "Local"
    (truth,) = journal.meter_truths()
    assert (truth.energy_wh, truth.transaction_id) == (250, 7)


def test_the_file_holds_everything_the_lists_only_the_newest(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.jsonl", keep=2)
    for n in range(5):
        journal.answered(a_call(str(n)))
    transaction = a_transaction()
    transaction.meter_stop, transaction.stopped_at = 350, NOW
    journal.stopped(transaction)
    journal.close()
    assert [call.message_id for call in journal.calls] == ["3", "4"]
    *calls, truth = read(tmp_path / "journal.jsonl")
    assert [call.message_id for call in calls if isinstance(call, AnsweredCall)] == ["0", "1", "2", "3", "4"]
    assert isinstance(truth, MeterTruth)
    assert truth.energy_wh == 250
