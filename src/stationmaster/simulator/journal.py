"""What really happened, as the stations saw it? The ground truth that loss tests compare the system with."""

from collections import deque
from datetime import datetime
from pathlib import Path
from typing import TextIO

import msgspec

from stationmaster.simulator.model import Transaction


class SentCall(msgspec.Struct, rename="camel", frozen=True, kw_only=True, tag="sent", tag_field="kind"):
    """A CALL as it was written to the wire, each time it was."""

    station_id: str
    message_id: str
    action: str
    payload: msgspec.Raw
    sent_at: datetime


class AnsweredCall(msgspec.Struct, rename="camel", frozen=True, kw_only=True, tag="call", tag_field="kind"):
    """A CALL of the station that was answered: from then on it must be safe."""

    station_id: str
    message_id: str
    action: str
    payload: msgspec.Raw
    answer: msgspec.Raw
    error_code: str = ""
    sent_at: datetime
    answered_at: datetime


class ReceivedCommand(
    msgspec.Struct, rename="camel", frozen=True, kw_only=True, tag="command", tag_field="kind"
):
    """A CALL of the CSMS and what the station said to it."""

    station_id: str
    message_id: str
    action: str
    payload: msgspec.Raw
    answer: msgspec.Raw
    error_code: str = ""
    received_at: datetime
    answered_at: datetime


class MeterTruth(msgspec.Struct, rename="camel", frozen=True, kw_only=True, tag="meter", tag_field="kind"):
    """What the meter of the station says a transaction took."""

    station_id: str
    connector_id: int
    transaction_id: int | None
    id_token: str
    meter_start: int
    meter_stop: int
    energy_wh: int
    started_at: datetime
    stopped_at: datetime
    reason: str


Entry = SentCall | AnsweredCall | ReceivedCommand | MeterTruth


class Journal:
    """Shared by the stations of a fleet. ``keep`` bounds the lists (None: everything); the file gets all.

    ``transactions`` holds every transaction that was begun, also those whose start nobody answered yet.
    """

    def __init__(self, path: Path | None = None, *, keep: int | None = None):
        self.sent: deque[SentCall] = deque(maxlen=keep)
        self.calls: deque[AnsweredCall] = deque(maxlen=keep)
        self.commands: deque[ReceivedCommand] = deque(maxlen=keep)
        self.transactions: deque[Transaction] = deque(maxlen=keep)
        self._file: TextIO | None = path.open("a", buffering=1, encoding="utf-8") if path else None

    def said(self, call: SentCall) -> None:
        self.sent.append(call)
        self._write(call)

    def answered(self, call: AnsweredCall) -> None:
        self.calls.append(call)
        self._write(call)

    def commanded(self, command: ReceivedCommand) -> None:
        self.commands.append(command)
        self._write(command)

    def stopped(self, transaction: Transaction) -> None:
        """Its StopTransaction was answered: the meter's last word."""
        transaction.stop_answered = True
        if self._file is not None and (truth := meter_truth(transaction)) is not None:
            self._write(truth)

    def meter_truths(self) -> list[MeterTruth]:
        """Of every transaction that has ended, answered or not."""
        truths = [meter_truth(transaction) for transaction in self.transactions]
        return [truth for truth in truths if truth is not None]

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def _write(self, entry: Entry) -> None:
        if self._file is not None:
            self._file.write(msgspec.json.encode(entry).decode() + "\n")


def meter_truth(transaction: Transaction) -> MeterTruth | None:
    """None while it runs."""
    if transaction.meter_stop is None or transaction.stopped_at is None:
        return None
    return MeterTruth(
        station_id=transaction.station_id,
        connector_id=transaction.connector_id,
        transaction_id=transaction.id,
        id_token=transaction.id_token,
        meter_start=transaction.meter_start,
        meter_stop=transaction.meter_stop,
        energy_wh=transaction.meter_stop - transaction.meter_start,
        started_at=transaction.started_at,
        stopped_at=transaction.stopped_at,
        reason=transaction.reason,
    )


def read(path: Path) -> list[Entry]:
    """The entries of a journal file."""
    decoder = msgspec.json.Decoder(Entry)
    with path.open("rb") as lines:
        return [decoder.decode(line) for line in lines if line.strip()]
