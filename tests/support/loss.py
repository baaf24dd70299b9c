"""Was anything lost, doubled or made up? The stations' own journal against the log (reliability 9, L1, L5).

A CALL that was answered is in the log exactly once with exactly that answer; what is in the log was said by
the station. A CALL whose answer the station never saw (the socket died) may be there or not: it is counted.
Heartbeats are counted by the minute and logged only on demand, so they are left out.
"""

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from typing import Any, TypeVar

import msgspec

from stationmaster.simulator.journal import AnsweredCall, Journal, ReceivedCommand, SentCall

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")
UNLOGGED = "Heartbeat"


@dataclass(frozen=True, slots=True)
class LogRow:
    """What matters of a row of charger_data."""

    station_id: str
    epoch: int
    kind: str
    seq: int
    message_id: str
    action: str
    payload: str
    at: datetime

    @property
    def place(self) -> tuple[str, int, int]:
        return self.station_id, self.epoch, self.seq

    @property
    def name(self) -> tuple[str, str]:
        return self.station_id, self.message_id


@dataclass(slots=True)
class Comparison:
    """``problems``: empty is good. ``counts``: the exposure, and what is allowed but worth knowing."""

    problems: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    def bad(self, what: str, name: object, detail: str = "") -> None:
        self.counts[what] += 1
        self.problems.append(f"{what}: {name} {detail}".rstrip())


def compare(journal: Journal, log: Iterable[LogRow]) -> Comparison:
    """Both ways: what the stations know is in the log, and the log says nothing else."""
    found, rows = Comparison(), list(log)
    found.counts["log_rows"] = len(rows)
    _compare_calls(
        found,
        sent=[call for call in journal.sent if call.action != UNLOGGED],
        answered=[call for call in journal.calls if call.action != UNLOGGED],
        calls=grouped((row.name, row) for row in rows if row.kind == "call"),
        answers=grouped((row.place, row) for row in rows if row.kind == "answer"),
    )
    _compare_commands(found, list(journal.commands), rows)
    for row in rows:
        if row.kind not in {"call", "answer", "command", "result", "error"}:
            found.bad("unexpected_kind", row.name, row.kind)
    return found


def _compare_calls(
    found: Comparison,
    *,
    sent: Sequence[SentCall],
    answered: Sequence[AnsweredCall],
    calls: dict[tuple[str, str], list[LogRow]],
    answers: dict[tuple[str, int, int], list[LogRow]],
) -> None:
    found.counts["calls_sent"] += len(sent)
    found.counts["calls_answered"] += len(answered)
    places: defaultdict[str, list[tuple[datetime, tuple[int, int]]]] = defaultdict(list)
    unanswered = grouped(((one.station_id, one.message_id), one) for one in sent)
    for one in answered:
        name = (one.station_id, one.message_id)
        unanswered[name] = [s for s in unanswered.get(name, []) if s.sent_at != one.sent_at]
        mine = [row for row in calls.get(name, []) if _ms(one.sent_at) <= row.at <= one.answered_at]
        if len(mine) != 1:
            found.bad("doubled_call" if mine else "lost_call", name, one.action)
            continue
        calls[name].remove(mine[0])
        places[one.station_id].append((one.sent_at, (mine[0].epoch, mine[0].seq)))
        if mine[0].payload.encode() != bytes(one.payload):
            found.bad("altered_call", name, mine[0].payload)
        _compare_answer(found, one, answers.pop(mine[0].place, []))
    for name, rows in calls.items():
        _match_unheard(found, name, rows, unanswered.get(name, []), answers)
    for place in answers:
        found.bad("answer_to_nothing", place)
    for station_id, said in places.items():
        _compare_order(found, station_id, sorted(said))


def _compare_order(
    found: Comparison, station_id: str, said: Sequence[tuple[datetime, tuple[int, int]]]
) -> None:
    """A station's frames are numbered as it said them, also across its connections."""
    for (_, before), (at, after) in pairwise(said):
        if after <= before:
            found.bad("inverted", station_id, f"{after} was said after {before}, at {at}")


def _compare_answer(found: Comparison, heard: AnsweredCall, logged: Sequence[LogRow]) -> None:
    name = (heard.station_id, heard.message_id)
    if len(logged) != 1:
        found.bad("doubled_answer" if logged else "lost_answer", name, heard.action)
        return
    payload = logged[0].payload
    if heard.error_code:
        is_same = msgspec.json.decode(payload).get("errorCode") == heard.error_code
    else:
        is_same = payload.encode() == bytes(heard.answer)
    if not is_same:
        found.bad("altered_answer", name, f"{payload} != {bytes(heard.answer)!r}")


def _match_unheard(
    found: Comparison,
    name: tuple[str, str],
    rows: Sequence[LogRow],
    sent: Sequence[SentCall],
    answers: dict[tuple[str, int, int], list[LogRow]],
) -> None:
    """Rows of sends that the station saw no answer to: one send each, said before."""
    left = sorted(sent, key=lambda one: one.sent_at)
    for row in sorted(rows, key=lambda row: row.at):
        if len(answers.pop(row.place, [])) > 1:
            found.bad("doubled_answer", name)
        match = next((one for one in left if _ms(one.sent_at) <= row.at), None)
        if match is None:
            found.bad("made_up_call", name, row.action)
            continue
        left.remove(match)
        found.counts["calls_logged_but_unheard"] += 1
        if row.payload.encode() != bytes(match.payload):
            found.bad("altered_call", name, row.payload)


def _compare_commands(found: Comparison, heard: Sequence[ReceivedCommand], rows: Sequence[LogRow]) -> None:
    """A command reaches a socket at most once (L5), and it is on record; so is its answer."""
    found.counts["commands_heard"] += len(heard)
    commands = grouped((row.name, row) for row in rows if row.kind == "command")
    results = grouped((row.name, row) for row in rows if row.kind in {"result", "error"})
    for name, times in Counter((one.station_id, one.message_id) for one in heard).items():
        if times > 1:
            found.bad("doubled_command", name, f"heard {times} times")
    for one in heard:
        name = (one.station_id, one.message_id)
        logged = commands.pop(name, [])
        if [row.payload.encode() for row in logged] != [bytes(one.payload)]:
            found.bad("altered_command" if logged else "lost_command", name, one.action)
        told = results.pop(name, [])
        found.counts["results_lost_with_their_socket"] += not told
        expected = one.error_code or bytes(one.answer)
        if len(told) > 1 or any(_word(row) != expected for row in told):
            found.bad("altered_result", name, one.action)
    found.counts["commands_logged_but_unheard"] += len(commands)
    for name in results:
        found.bad("made_up_result", name)


def _word(row: LogRow) -> object:
    if row.kind == "error":
        return msgspec.json.decode(row.payload).get("errorCode")
    return row.payload.encode()


def _ms(at: datetime) -> datetime:
    """The log's times are in whole milliseconds, cut."""
    return at.replace(microsecond=at.microsecond // 1000 * 1000)


def grouped(pairs: Iterable[tuple[K, V]]) -> dict[K, list[V]]:
    found: defaultdict[K, list[V]] = defaultdict(list)
    for key, value in pairs:
        found[key].append(value)
    return dict(found)


def log_rows(rows: Iterable[Any]) -> list[LogRow]:
    """From records of charger_data."""
    return [
        LogRow(
            r["device_id"], r["epoch"], r["kind"], r["seq"], r["message_id"], r["message"],
            r["message_data"], r["timestamp"],
        )
        for r in rows
    ]  # fmt: skip
