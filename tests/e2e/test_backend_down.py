"""The backend goes away, then the broker too, and comes back: stations notice nothing, and nothing is missing.

Worker, API, scheduler and the others are killed; the gateway stays. Boot, status, meter values, starts and stops are
answered all the while, by the offline policy where somebody has to decide. After the return everything is applied
once, in each connector's order.
"""

import asyncio
import json
import re
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import aio_pika
import httpx
import pytest
from tests.support.effects import Effects, count, fetch
from tests.support.fleet import QUICK, LiveFleet
from tests.support.installation import PASSWORD, Installation, running, wait_until
from tests.support.loss import compare, log_rows
from tests.support.server import free_port
from tests.support.services import Services

from stationmaster.contracts.topology import Names
from stationmaster.simulator.model import Transaction
from stationmaster.simulator.spec import StationSpec

BACKEND = ("ocpp-worker", "api", "scheduler", "notification-worker", "analytics-worker")
CHARGING, BY_APP, BY_CARD, REFUSED, MOVING, LATER = (f"DOWN-{n}" for n in range(1, 7))
WALLET_CARD, OPERATORS_CARDS = "WALLET", ("OPERATOR1", "OPERATOR2", "OPERATOR3")
ANSWERED_WITHIN_S = 40.0
FACTS = "test.facts"
PACE = replace(QUICK, plug_in_s=3.0, answer_within_s=30.0)


def _set_up(place: Installation) -> list[StationSpec]:
    driver_id = place.driver("down@test.example", credit_minor=1_000_000)
    cards: dict[str, dict[str, Any]] = {
        WALLET_CARD: {"payerKind": "wallet", "driverId": driver_id},
        **{
            card: {"payerKind": "free", "payerReason": "service", "isOperator": True}
            for card in OPERATORS_CARDS
        },
    }
    for token, payer in cards.items():
        place.post("/api/cms/id-tokens", token=token, organisationId=place.organisation_id, **payer)
    names = (CHARGING, BY_APP, BY_CARD, REFUSED, MOVING, LATER)
    return [StationSpec(name, place.station(name)) for name in names]


async def _listen_for_facts(url: str, read: bool) -> list[dict[str, Any]]:
    """A durable queue of our own on the facts: made first, read in the end, in the order in which they came."""
    connection = await aio_pika.connect(url)
    async with connection:
        channel = await connection.channel()
        queue = await channel.declare_queue(FACTS, durable=True, arguments={"x-queue-type": "quorum"})
        await queue.bind(Names().facts, "#")
        found = []
        while read and (message := await queue.get(no_ack=True, fail=False)) is not None:
            body = json.loads(message.body)
            found += body if isinstance(body, list) else [body]
        return found


def _spooled(place: Installation) -> float:
    port = place.env["STATIONMASTER_GATEWAY_METRICS_PORT"]
    told = httpx.get(f"http://127.0.0.1:{port}/metrics", timeout=5).text
    found = re.search(r"^stationmaster_gateway_spool_messages (\S+)", told, re.MULTILINE)
    assert found is not None
    return float(found[1])


class Story:
    """What happens at the stations, and that they are answered."""

    def __init__(self, place: Installation, fleet: LiveFleet):
        self.place, self.fleet = place, fleet

    def answered(self, station_id: str, action: str, since: int = 0) -> int:
        """How many CALLs of this kind have been."""
        calls = list(self.fleet.journal.calls)[since:]
        return sum(c.station_id == station_id and c.action == action and not c.error_code for c in calls)

    def until(self, holds: Callable[[], Any], what: str) -> Any:
        return wait_until(holds, what, within_s=ANSWERED_WITHIN_S)

    def until_answered(self, station_id: str, action: str, *, more: int = 1) -> None:
        """From now on."""
        since = len(self.fleet.journal.calls)
        self.until(
            lambda: self.answered(station_id, action, since) >= more, f"{station_id}: {action} answered"
        )

    def swipe(self, **cards: str) -> list[Transaction | None]:
        """A card at each of these stations, at the same time."""

        async def swipes() -> list[Transaction | None]:
            chargers = {card: self.fleet.charger(name) for name, card in cards.items()}
            return await asyncio.gather(*(c.plug_and_swipe(1, card) for card, c in chargers.items()))

        return self.fleet.run(swipes(), within_s=ANSWERED_WITHIN_S)

    def unplug(self, station_id: str) -> None:
        assert self.fleet.do(lambda: self.fleet.charger(station_id).unplug(1)) is not None

    def began(self, transaction: Transaction | None) -> Transaction:
        assert transaction is not None, "the card was not accepted"
        self.until(lambda: transaction.id, "the start is answered")
        assert transaction.id is not None
        assert transaction.id > 0
        return transaction

    def stopped(self, station_id: str) -> None:
        transaction = next(t for t in reversed(self.fleet.journal.transactions) if t.station_id == station_id)
        self.unplug(station_id)
        self.until(lambda: transaction.stop_answered, f"{station_id}: the stop is answered")

    # The three acts.

    def before(self) -> str:
        """One charges, one has been told to start and its driver is still on the way to the plug."""
        self.began(*self.swipe(**{CHARGING: WALLET_CARD}))
        app = self.place.client("down@test.example", PASSWORD)
        asked = app.post(
            "/api/user/charging/start",
            json={"deviceId": BY_APP, "connectorId": 1, "amountMinor": 30_000},
            headers={"Idempotency-Key": "before-the-outage"},
        )
        app.close()
        assert asked.status_code == 202, asked.text
        self.until(
            lambda: [c for c in self.fleet.journal.commands if c.station_id == BY_APP], "the command came"
        )
        return str(asked.json()["sessionId"])

    def without_backend(self) -> None:
        """The gateway and the broker are alone."""
        self.until_answered(CHARGING, "MeterValues", more=3)
        self.fleet.do(self.fleet.charger(MOVING).line.drop)
        self.until_answered(MOVING, "StatusNotification")
        accepted, refused = self.swipe(**{BY_CARD: OPERATORS_CARDS[0], REFUSED: WALLET_CARD})
        self.began(accepted)
        assert refused is None, "a payer whom nobody can check"
        (by_app,) = [t for t in self.fleet.journal.transactions if t.station_id == BY_APP]
        self.began(by_app)
        self.until_answered(BY_APP, "MeterValues")
        self.stopped(CHARGING)

    def without_broker(self) -> None:
        """The gateway is alone with its disk."""
        self.until_answered(BY_CARD, "MeterValues", more=3)
        self._boot_again(MOVING)
        for begun in self.swipe(**{LATER: OPERATORS_CARDS[1], CHARGING: OPERATORS_CARDS[2]}):
            self.began(begun)
        self.stopped(BY_CARD)
        self.stopped(BY_APP)
        assert _spooled(self.place) > 0

    def _boot_again(self, station_id: str) -> None:
        """It lost its power: all it knows is its own name."""
        old = self.fleet.charger(station_id)
        since = len(self.fleet.journal.calls)
        self.fleet.run(old.stop())
        self.fleet.do(lambda: self.fleet.fleet.add(old.spec))
        self.until(lambda: self.answered(station_id, "BootNotification", since), f"{station_id} has booted")


def _settled(place: Installation) -> bool:
    open_rows = (
        "charging_session WHERE settled_at IS NULL",
        "command WHERE finished_at IS NULL",
        "outbox",
        "parked_frame",
    )
    return not any(count(place.env["DATABASE_URL"], rows) for rows in open_rows)


def _logged(place: Installation, fleet: LiveFleet) -> list[str]:
    rows = fetch(place.env["DATABASE_URL"], "SELECT * FROM charger_data")
    return compare(fleet.journal, log_rows(rows)).problems


def _inversions(facts: list[dict[str, Any]], begun: list[Transaction]) -> Iterator[str]:
    """Per connector: one session after the other, each with its start, readings and end in this order.

    Facts of starts and ends come in the order of their commits. Readings are losable hints that may come a
    little later, so theirs is the order of the session's versions, by which browsers go too.
    """
    ranks = {
        "charging.started": 0,
        "meter.values.updated": 1,
        "charging.stopped": 2,
        "transaction.completed": 3,
    }
    told: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
    versions: defaultdict[str, list[tuple[int, int]]] = defaultdict(list)
    for fact in facts:
        if (rank := ranks.get(fact["type"])) is not None:
            versions[fact["sessionId"]].append((fact["sequence"], rank))
            if rank != 1:
                told[fact["stationId"]].append((fact["sessionId"], fact["type"]))
    for station_id, steps in told.items():
        sessions = list(dict.fromkeys(session_id for session_id, _ in steps))
        whole = [(one, what) for one in sessions for what in ranks if what != "meter.values.updated"]
        if steps != whole or len(sessions) != sum(t.station_id == station_id for t in begun):
            yield f"{station_id}: {steps} instead of {whole}"
    for session_id, moves in versions.items():
        in_order = [rank for _, rank in sorted(moves)]
        if in_order != sorted(in_order):
            yield f"{session_id}: {sorted(moves)}"


def _samples(url: str, begun: list[Transaction]) -> Iterator[str]:
    """Every reading that a station sent is kept with its session."""
    query = (
        "SELECT t.station_id, t.meter_start_wh, count(m.digest) AS samples FROM ocpp_transaction t "
        "LEFT JOIN meter_sample m ON m.session_id = t.session_id GROUP BY 1, 2"
    )
    kept = {(r["station_id"], r["meter_start_wh"]): r["samples"] for r in fetch(url, query)}
    for t in begun:
        if kept.get((t.station_id, t.meter_start)) != t.samples:
            yield f"{t.station_id}: {kept.get((t.station_id, t.meter_start))} of {t.samples} readings"


@pytest.mark.services
@pytest.mark.timeout(900)
def test_stations_are_answered_without_backend_and_broker_and_nothing_is_missing_afterwards(
    tmp_path: Path, services: Services
) -> None:
    rabbit = services.rabbit
    urls = {
        "DATABASE_URL": services.postgres_url(),
        "RABBITMQ_URL": rabbit.new_vhost(),
        "REDIS_URL": services.redis_url(),
    }
    metrics = {"STATIONMASTER_GATEWAY_METRICS_PORT": str(free_port())}
    with running("production", tmp_path, urls=urls, **metrics) as place:
        asyncio.run(_listen_for_facts(urls["RABBITMQ_URL"], read=False))
        with LiveFleet(place.ocpp, _set_up(place), pace=PACE) as fleet:
            wait_until(lambda: fleet.is_quiet, "all stations connected")
            story = Story(place, fleet)
            session_id = story.before()
            began = time.monotonic()
            for name in BACKEND:
                place.roles[name].kill()
            story.without_backend()
            without_broker = time.monotonic()
            rabbit.kill()
            story.without_broker()
            back = time.monotonic()
            rabbit.start()
            for name in BACKEND:
                place.roles[name].start()
            place.wait_ready()
            for name in (LATER, CHARGING):
                story.stopped(name)
            wait_until(lambda: fleet.is_quiet, "all stations have said everything", within_s=120)
            wait_until(lambda: _settled(place), "everything is settled", within_s=180)
            wait_until(lambda: _spooled(place) == 0, "the spool is empty")
            wait_until(lambda: not _logged(place, fleet), "the log is complete", within_s=30)
            _judge(place, fleet, session_id)
            told = {
                "test": "backend_down",
                "backend_away_s": round(back - began),
                "broker_away_s": round(back - without_broker),
                "calls_answered": len(fleet.journal.calls),
                "sessions": len(fleet.journal.transactions),
            }
            print("\n" + json.dumps(told))


def _judge(place: Installation, fleet: LiveFleet, session_id: str) -> None:
    url, begun = place.env["DATABASE_URL"], list(fleet.journal.transactions)
    facts = asyncio.run(_listen_for_facts(place.env["RABBITMQ_URL"], read=True))
    effects = Effects.read(url)
    wrong = [*effects.problems(begun), *_inversions(facts, begun), *_samples(url, begun)]
    assert not wrong, "\n".join(wrong)
    assert not fetch(url, "SELECT 1 FROM link_mark WHERE kept_gaps <> '[]'")
    paid = {row["id"]: row for row in effects.rows["sessions"]}[session_id]
    assert (paid["state"], paid["started_by"], paid["hold_generation"]) == ("COMPLETED", "app", 1)
    assert paid["captured_minor"] == paid["cost_minor"] > 0
    assert {row["state"] for row in effects.rows["sessions"]} == {"COMPLETED"}
    told = place.command("doctor", check=False).stdout
    assert "✗" not in told.replace("✗ pages", ""), told
