"""Worker, gateway and broker are killed again and again under charging stations: nothing is lost or doubled.

`kill -9` of a process is not a power cut: the page cache survives, so this proves our order of writing, not the
disk (infra/bus is tried on a disk that hangs elsewhere). STATIONMASTER_KILLS sets how many of each, STATIONMASTER_SEED
what chance does.
"""

import contextlib
import json
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.support.effects import Effects, count, fetch
from tests.support.fleet import AppDriver, CardDriver, Driver, LiveFleet
from tests.support.installation import PASSWORD, Installation, running, wait_until
from tests.support.killing import backend_of, haunt_all, victims_of
from tests.support.loss import compare, log_rows
from tests.support.services import Rabbit, Services

from stationmaster.simulator.spec import StationSpec

KILLS_OF_MUTANTS = 4
NIGHTLY = pytest.mark.skipif("STATIONMASTER_LONG" not in os.environ, reason="nightly: STATIONMASTER_LONG=1")
KILLS = int(os.environ.get("STATIONMASTER_KILLS", "20"))
SEED = int(os.environ.get("STATIONMASTER_SEED", "1"))
STATIONS = 20
BY_APP = range(16)  # an app driver comes to these stations,
BY_CARD = range(
    12, 20
)  # somebody with a card to these: at four of them both, and they get in each other's way
CREDIT_MINOR = 10_000_000
SETTLED_WITHIN_S = 300.0
UNREAD = {"charging_events"}  # integrations read it, and there is none here


def _stations(place: Installation) -> list[StationSpec]:
    return [StationSpec(f"KILL-{n:02d}", place.station(f"KILL-{n:02d}")) for n in range(STATIONS)]


def _people(place: Installation, fleet: LiveFleet) -> list[Driver]:
    """Wallets at all stations but the last four, whose cards are the operator's own."""
    found: list[Driver] = []
    for n in range(STATIONS):
        charger, name = fleet.charger(f"KILL-{n:02d}"), f"driver{n}@test.example"
        driver_id = place.driver(name, credit_minor=CREDIT_MINOR)
        if n in BY_APP:
            with contextlib.closing(place.client(name, PASSWORD)) as client:
                headers = {"Authorization": client.headers["Authorization"]}
            app = httpx.AsyncClient(base_url=place.api, headers=headers, timeout=20)
            found.append(AppDriver(charger, app, seed=SEED * 100 + n))
        if n in BY_CARD:
            is_operator = n >= STATIONS - 4
            payer = {"payerKind": "free", "payerReason": "test", "isOperator": True}
            wallet = {"payerKind": "wallet", "driverId": driver_id}
            place.post(
                "/api/cms/id-tokens", token=f"CARD{n}", organisationId=place.organisation_id,
                **(payer if is_operator else wallet),
            )  # fmt: skip
            found.append(CardDriver(charger, f"CARD{n}", seed=SEED * 100 + 50 + n))
    return found


def _waits_for(place: Installation, rabbit: Rabbit) -> list[str]:
    """What is not finished yet, in words; empty is quiet."""
    rows = (
        "charging_session WHERE settled_at IS NULL",
        "command WHERE finished_at IS NULL",
        "outbox",
        "parked_frame",
    )
    left = {name: count(place.env["DATABASE_URL"], name) for name in rows}
    if not any(left.values()):
        vhost = place.env["RABBITMQ_URL"].rsplit("/", 1)[1]
        listed = rabbit.control("list_queues", "-q", "-p", vhost, "name", "messages", "--no-table-headers")
        left = {name: int(n) for name, n in map(str.split, listed.splitlines()) if name not in UNREAD}
    return [f"unfinished: {name}: {n}" for name, n in left.items() if n]


def _settle(place: Installation, rabbit: Rabbit, *, within_s: float) -> list[str]:
    """What will not settle; empty is good."""
    until = time.monotonic() + within_s
    while (left := _waits_for(place, rabbit)) and time.monotonic() < until:
        time.sleep(1.0)
    return left


@dataclass
class Outcome:
    problems: list[str]
    exposure: dict[str, Any]


def haunted(
    folder: Path,
    services: Services,
    *,
    kills: int,
    mutant: str = "",
    also_backend: bool = False,
    settled_within_s: float = SETTLED_WITHIN_S,
) -> Outcome:
    """Charging stations under ``kills`` of each, then peace, then the comparison."""
    rabbit, began = services.rabbit, time.monotonic()
    urls = {
        "DATABASE_URL": services.postgres_url(),
        "RABBITMQ_URL": rabbit.new_vhost(),
        "REDIS_URL": services.redis_url(),
    }
    with contextlib.ExitStack() as stack:
        place = stack.enter_context(
            running("production", folder, urls=urls, STATIONMASTER_START_DEADLINE_S="20", **_mutated(mutant))
        )
        fleet = stack.enter_context(LiveFleet(place.ocpp, _stations(place), seed=SEED))
        people = _people(place, fleet)
        wait_until(lambda: fleet.is_quiet, "all stations connected", within_s=60)
        fleet.let_in(people)
        ended = "charging_session WHERE settled_at IS NOT NULL"
        wait_until(
            lambda: count(urls["DATABASE_URL"], ended) >= STATIONS, "the first charges are over", within_s=120
        )
        victims = victims_of(place, rabbit) + (backend_of(place, services) if also_backend else [])
        haunt_all(victims, times=kills, seed=SEED)
        haunted_s = round(time.monotonic() - began)
        seen = fleet.send_home()
        wait_until(lambda: fleet.is_quiet, "all stations have said everything", within_s=180)
        left = _settle(place, rabbit, within_s=settled_within_s)
        outcome = _judge(place, fleet)
        outcome.problems += left
        outcome.exposure |= {victim.name: victim.recovery for victim in victims}
        outcome.exposure |= {"people": dict(seen), "haunted_s": haunted_s, "seed": SEED}
        outcome.exposure |= {"took_s": round(time.monotonic() - began)}
    return outcome


def _mutated(mutant: str) -> dict[str, str]:
    """Settings under which every process of ours is spoiled in one place."""
    if not mutant:
        return {}
    root = Path(__file__).parents[2]
    return {"PYTHONPATH": f"{root / 'tests' / 'support' / 'mutants' / mutant}:{root / 'src'}"}


def _judge(place: Installation, fleet: LiveFleet) -> Outcome:
    url, journal = place.env["DATABASE_URL"], fleet.journal
    found = compare(journal, log_rows(fetch(url, "SELECT * FROM charger_data")))
    effects = Effects.read(url)
    wrong = effects.problems(list(journal.transactions))
    told = json.loads(place.command("doctor", "--json", check=False).stdout)
    ill = [f"doctor: {one}" for one in told if not one["ok"] and one["name"] != "pages"]
    if unasked := {"books", "schema", "queues", "dead letters"} - {one["name"] for one in told}:
        ill.append(f"doctor says nothing of {unasked}")
    states = [row["state"] for row in effects.rows["sessions"]]
    unanswered = max((c.answered_at - c.sent_at).total_seconds() for c in journal.calls)
    return Outcome(
        [*found.problems, *wrong, *_statuses(url, fleet), *_wallets(place, effects), *ill],
        {
            **found.counts,
            "sessions": {state: states.count(state) for state in sorted(set(states))},
            "energy_wh": sum(t.energy_wh or 0 for t in journal.transactions),
            "longest_unanswered_s": round(unanswered, 1),
            "kept_gaps": count(url, "link_mark WHERE kept_gaps <> '[]'"),
            "links": count(url, "link_mark"),
        },
    )


def _statuses(url: str, fleet: LiveFleet) -> list[str]:
    """The last word of each connector is what the database shows."""
    shown = {
        r["station_id"]: r["status"] for r in fetch(url, "SELECT * FROM connector WHERE connector_id = 1")
    }
    real = {id_: charger.connectors[1].status for id_, charger in fleet.fleet.chargers.items()}
    return [f"status {shown[id_]} != {status}: {id_}" for id_, status in real.items() if shown[id_] != status]


def _wallets(place: Installation, effects: Effects) -> list[str]:
    """What a driver has left is what was paid in less what the charges cost."""
    found = []
    for one in place.get("/api/cms/drivers", limit=100)["items"]:
        cost = sum(s["cost_minor"] for s in effects.rows["sessions"] if s["driver_id"] == one["id"])
        if (one["availableMinor"], one["heldMinor"]) != (CREDIT_MINOR - cost, 0):
            found.append(
                f"wallet of {one['email']}: {one['availableMinor']}, held {one['heldMinor']}, cost {cost}"
            )
    return found


@pytest.mark.services
@pytest.mark.timeout(1800)
def test_every_charge_is_settled_once_and_the_log_is_what_the_stations_know(
    tmp_path: Path, services: Services
) -> None:
    _check("kills", haunted(tmp_path, services, kills=KILLS))


@pytest.mark.long
@pytest.mark.services
@pytest.mark.timeout(3600)
@NIGHTLY
def test_the_same_when_databases_api_and_scheduler_are_killed_too(tmp_path: Path, services: Services) -> None:
    _check("kills of everything", haunted(tmp_path, services, kills=KILLS, also_backend=True))


def _check(test: str, outcome: Outcome) -> None:
    print("\n" + json.dumps({"test": test, **outcome.exposure}))
    problems = outcome.problems
    assert not problems, f"{len(problems)} problems, of these:\n" + "\n".join(problems[:40])
    assert outcome.exposure["sessions"]["COMPLETED"] >= STATIONS


@pytest.mark.long
@pytest.mark.services
@pytest.mark.timeout(1800)
@NIGHTLY
@pytest.mark.parametrize("mutant", ["answers_before_confirm", "acks_before_commit"])
def test_a_system_that_loses_frames_is_found_out(mutant: str, tmp_path: Path, services: Services) -> None:
    outcome = haunted(tmp_path, services, kills=KILLS_OF_MUTANTS, mutant=mutant, settled_within_s=30)
    lost = {key: n for key, n in outcome.exposure.items() if key.startswith("lost_")}
    print("\n" + json.dumps({"test": "mutant", "mutant": mutant, "problems": len(outcome.problems), **lost}))
    assert lost, outcome.problems[:20]
