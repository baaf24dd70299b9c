"""Did every charge take effect once, for what the stations' meters truly counted? (reliability 9, L2, L4, L5)

Reads the rows with a connection of its own, and computes the price itself.
"""

import asyncio
import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.support.loss import grouped

from stationmaster.simulator.model import Transaction

Row = Any
"""A record: its columns by name."""

TERMINAL = frozenset({"COMPLETED", "TERMINATED", "FAILED"})
PAYING = frozenset({"wallet", "organisation"})

QUERIES = {
    "sessions": "SELECT * FROM charging_session",
    "transactions": "SELECT * FROM ocpp_transaction",
    "aliases": "SELECT * FROM transaction_alias",
    "settlements": "SELECT idempotency_key, session_id FROM ledger_transaction WHERE kind = 'settle'",
    "open_holds": "SELECT * FROM wallet_hold WHERE state <> 'SETTLED'",
    "unfinished_commands": "SELECT * FROM command WHERE finished_at IS NULL",
    "set_aside": "SELECT station_id, epoch, seq, reason FROM set_aside_frame",
    "parked": "SELECT station_id, epoch, seq FROM parked_frame",
    "unmatched_stops": "SELECT * FROM unmatched_stop WHERE matched_session_id IS NULL",
}


def fetch(url: str, query: str, *values: Any) -> list[Row]:
    """From any thread, also while an event loop runs in this one."""
    found: list[Row] = []
    failure: list[BaseException] = []

    async def run() -> None:
        import asyncpg

        connection = await asyncpg.connect(url, timeout=10)
        try:
            found.extend(await connection.fetch(query, *values))
        finally:
            await connection.close()

    def work() -> None:
        try:
            asyncio.run(run())
        except BaseException as error:  # noqa: BLE001 - handed to the caller's thread
            failure.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    if failure:
        raise failure[0]
    return found


def count(url: str, what: str) -> int:
    """How many rows: ``what`` is a table, with its condition."""
    return int(fetch(url, f"SELECT count(*) FROM {what}")[0][0])


@dataclass(slots=True)
class Effects:
    """The rows, by the names of QUERIES."""

    rows: dict[str, list[Row]] = field(default_factory=dict)

    @classmethod
    def read(cls, url: str) -> "Effects":
        return cls({name: fetch(url, query) for name, query in QUERIES.items()})

    def problems(self, begun: Sequence[Transaction]) -> list[str]:
        """``begun``: every transaction that a station ever began. Empty is good."""
        return [*self._unfinished(), *self._transactions(begun), *self._sessions()]

    def _unfinished(self) -> list[str]:
        left = ("open_holds", "unfinished_commands", "set_aside", "parked", "unmatched_stops")
        return [f"{name}: {dict(row)}" for name in left for row in self.rows[name]]

    def _transactions(self, begun: Sequence[Transaction]) -> list[str]:
        """One row per transaction that a station began, no other, and each with the station's own figures."""
        sessions = {row["id"]: row for row in self.rows["sessions"]}
        left = {row["transaction_id"]: row for row in self.rows["transactions"]}
        means = {row["transaction_id"]: row["means_transaction_id"] for row in self.rows["aliases"]}
        found: list[str] = []
        for truth in begun:
            name = f"{truth.station_id} {truth.id_token} from {truth.meter_start}"
            if truth.id is None or not truth.stop_answered:
                found.append(f"not_over: {name}")
                continue
            row = left.pop(means.get(truth.id, truth.id), None)
            if row is None:
                found.append(f"transaction_lost: {name} ({truth.id})")
                continue
            found += _differences(name, truth, row, sessions.get(row["session_id"]))
        found += [f"transaction_made_up: {dict(row)}" for row in left.values()]
        used = Counter(row["session_id"] for row in self.rows["transactions"])
        return found + [f"session_used_twice: {id_}" for id_, times in used.items() if times > 1]

    def _sessions(self) -> list[str]:
        """Terminal, settled once, priced right; and nothing was doubtful."""
        settled = grouped((row["session_id"], row) for row in self.rows["settlements"])
        found: list[str] = []
        for row in self.rows["sessions"]:
            name = f"session {row['id']} ({row['state']}, {row['sub_reason']})"
            cost = _cost(row)
            is_booked = row["payer_kind"] == "wallet" and cost > 0
            checks = {
                "is not over": row["state"] not in TERMINAL,
                "is not settled": row["settled_at"] is None,
                f"is settled {len(settled.get(row['id'], []))} times": len(settled.get(row["id"], []))
                != is_booked,
                f"costs {row['cost_minor']}, not {cost}": row["cost_minor"] != cost,
                "failed, and costs": row["state"] == "FAILED" and row["cost_minor"] != 0,
                f"is doubtful: {row['suspect_reason']}": row["is_suspect"] or row["is_provisional"],
            }
            found += [f"{name} {what}" for what, is_so in checks.items() if is_so]
        return found


def _differences(name: str, truth: Transaction, row: Row, session: Row | None) -> list[str]:
    expected = {
        "station_id": truth.station_id,
        "connector_id": truth.connector_id,
        "meter_start_wh": truth.meter_start,
        "meter_stop_wh": truth.meter_stop,
        "stop_reason": truth.reason,
    }
    found = [f"{key} {row[key]} != {value}: {name}" for key, value in expected.items() if row[key] != value]
    if session is None:
        return [*found, f"no session: {name}"]
    if session["energy_wh"] != truth.energy_wh:
        found.append(f"energy {session['energy_wh']} != {truth.energy_wh}: {name}")
    return found


def _cost(session: Row) -> int:
    """Half up, once; our test tariffs know no tax."""
    if session["payer_kind"] not in PAYING:
        return 0
    minor: int = (2 * session["energy_wh"] * session["price_minor_per_kwh"] + 1000) // 2000
    return minor
