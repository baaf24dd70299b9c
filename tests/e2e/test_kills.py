"""Worker, gateway and broker are killed again and again under charging stations: nothing is lost or doubled.

`kill -9` of a process is not a power cut: the page cache survives, so this proves our order of writing, not the
disk (infra/bus is tried on a disk that hangs elsewhere). STATIONMASTER_KILLS sets how many of each, STATIONMASTER_SEED
what chance does.
"""

import contextlib
import json
import os
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.support.effects import Effects, fetch
from tests.support.fleet import AppDriver, CardDriver, Driver, LiveFleet
from tests.support.installation import PASSWORD, Installation, Role, running, wait_until
from tests.support.loss import compare, log_rows
from tests.support.server import connects
from tests.support.services import Rabbit, Services

from stationmaster.simulator.spec import StationSpec

KILLS = int(os.environ.get("STATIONMASTER_KILLS", "20"))
SEED = int(os.environ.get("STATIONMASTER_SEED", "1"))
STATIONS = 20
BY_APP = range(16)  # an app driver comes to these stations,
BY_CARD = range(
    12, 20
)  # somebody with a card to these: at four of them both, and they get in each other's way
CREDIT_MINOR = 10_000_000
BACK_WITHIN_S = 120.0
SETTLED_WITHIN_S = 300.0
UNREAD = {"charging_events"}  # integrations read it, and there is none here


@dataclass
class Victim:
    """Killed at random moments, started again at once."""

    name: str
    kill: Callable[[], None]
    start: Callable[[], None]
    is_back: Callable[[], bool]
    rest_s: tuple[float, float]
    kills: int = 0
    away_s: list[float] = field(default_factory=list)

    def haunt(self, rng: random.Random, times: int) -> None:
        while self.kills < times:
            time.sleep(rng.uniform(*self.rest_s))
            began = time.monotonic()
            self.kill()
            self.kills += 1
            self.start()
            if rng.random() < 0.75:  # else the next blow may fall while it is still starting
                wait_until(self.is_back, f"{self.name} is back", within_s=BACK_WITHIN_S)
                self.away_s.append(time.monotonic() - began)

    @property
    def recovery(self) -> dict[str, float]:
        ordered = sorted(self.away_s) or [0.0]
        return {
            "kills": self.kills,
            "p50_s": round(ordered[len(ordered) // 2], 1),
            "max_s": round(ordered[-1], 1),
        }


def _role_victim(role: Role, is_back: Callable[[], bool], rest_s: tuple[float, float]) -> Victim:
    return Victim(role.name, role.kill, role.start, is_back, rest_s)


def _victims(place: Installation, rabbit: Rabbit) -> list[Victim]:
    worker, gateway = place.roles["ocpp-worker"], place.roles["gateway"]
    mark = {"at": worker.log.stat().st_size}

    def kill_worker() -> None:
        worker.kill()
        mark["at"] = worker.log.stat().st_size

    def works() -> bool:
        if (
            not worker.is_running
        ):  # it gives up when the broker stays away; whoever watches over it starts it again
            worker.start()
        with worker.log.open("rb") as log:
            log.seek(mark["at"])
            return b"worker.consuming" in log.read()

    def listens() -> bool:
        if (connection := connects(place.ocpp_port)) is None:
            return False
        connection.close()
        return True

    return [
        Victim("ocpp-worker", kill_worker, worker.start, works, (1.0, 7.0)),
        _role_victim(gateway, listens, (1.0, 8.0)),
        Victim("broker", rabbit.kill, rabbit.start, lambda: True, (1.0, 5.0)),
    ]


def _haunt_all(victims: list[Victim]) -> None:
    """Each in its own time, so that blows also fall together."""
    failures: list[BaseException] = []

    def haunt(victim: Victim, seed: int) -> None:
        try:
            victim.haunt(random.Random(seed), KILLS)
        except BaseException as error:  # noqa: BLE001 - the test's own thread raises it
            failures.append(error)

    threads = [
        threading.Thread(target=haunt, args=(victim, SEED * 1000 + number), name=victim.name)
        for number, victim in enumerate(victims)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


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


def _waits_for(place: Installation, rabbit: Rabbit, vhost: str) -> list[str]:
    """What is not finished yet, in words; empty is quiet."""
    url = place.env["DATABASE_URL"]
    counts = {
        "open sessions": "SELECT count(*) FROM charging_session WHERE settled_at IS NULL",
        "open commands": "SELECT count(*) FROM command WHERE finished_at IS NULL",
        "outbox": "SELECT count(*) FROM outbox",
        "parked frames": "SELECT count(*) FROM parked_frame",
    }
    left = {name: fetch(url, query)[0][0] for name, query in counts.items()}
    if not any(left.values()):
        listed = rabbit.control("list_queues", "-q", "-p", vhost, "name", "messages", "--no-table-headers")
        left = {name: int(n) for name, n in map(str.split, listed.splitlines()) if name not in UNREAD}
    return [f"{name} {n}" for name, n in left.items() if n]


def _settle(place: Installation, rabbit: Rabbit, vhost: str) -> None:
    until, left = time.monotonic() + SETTLED_WITHIN_S, ["?"]
    while left:
        left = _waits_for(place, rabbit, vhost)
        assert time.monotonic() < until, f"not settled: {left}"
        time.sleep(1.0)


def _settled(place: Installation) -> int:
    query = "SELECT count(*) FROM charging_session WHERE settled_at IS NOT NULL"
    return int(fetch(place.env["DATABASE_URL"], query)[0][0])


@pytest.mark.services
@pytest.mark.timeout(1800)
def test_every_charge_is_settled_once_and_the_log_is_what_the_stations_know(
    tmp_path: Path, services: Services
) -> None:
    rabbit = services.rabbit
    broker_url = rabbit.new_vhost()
    urls = {
        "DATABASE_URL": services.postgres_url(),
        "RABBITMQ_URL": broker_url,
        "REDIS_URL": services.redis_url(),
    }
    began = time.monotonic()
    with contextlib.ExitStack() as stack:
        place = stack.enter_context(
            running("production", tmp_path, urls=urls, STATIONMASTER_START_DEADLINE_S="20")
        )
        fleet = stack.enter_context(LiveFleet(place.ocpp, _stations(place), seed=SEED))
        people = _people(place, fleet)
        wait_until(lambda: fleet.is_quiet, "all stations connected")
        fleet.let_in(people)
        wait_until(lambda: _settled(place) >= STATIONS, "the first charges are over")
        victims = _victims(place, rabbit)
        _haunt_all(victims)
        haunted_s = time.monotonic() - began
        seen = fleet.send_home()
        wait_until(lambda: fleet.is_quiet, "all stations have said everything", within_s=180)
        _settle(place, rabbit, broker_url.rsplit("/", 1)[1])
        exposure = _judge(place, fleet)
        exposure |= {victim.name: victim.recovery for victim in victims}
        exposure |= {"people": dict(seen), "haunted_s": round(haunted_s), "seed": SEED}
        print("\n" + json.dumps({"test": "kills", **exposure, "took_s": round(time.monotonic() - began)}))


def _judge(place: Installation, fleet: LiveFleet) -> dict[str, Any]:
    url, journal = place.env["DATABASE_URL"], fleet.journal
    found = compare(journal, log_rows(fetch(url, "SELECT * FROM charger_data")))
    effects = Effects.read(url)
    wrong = effects.problems(list(journal.transactions))
    told = json.loads(place.command("doctor", "--json", check=False).stdout)
    problems = [*found.problems, *wrong, *_statuses(url, fleet), *_wallets(place, effects)]
    assert not problems, f"{len(problems)} problems, of these:\n" + "\n".join(problems[:40])
    assert {"books", "schema", "queues", "dead letters"} <= {finding["name"] for finding in told}
    assert [finding for finding in told if not finding["ok"] and finding["name"] != "pages"] == []
    states = [row["state"] for row in effects.rows["sessions"]]
    unanswered = max((c.answered_at - c.sent_at).total_seconds() for c in journal.calls)
    return {
        **found.counts,
        "sessions": {state: states.count(state) for state in sorted(set(states))},
        "energy_wh": sum(t.energy_wh or 0 for t in journal.transactions),
        "longest_unanswered_s": round(unanswered, 1),
        "kept_gaps": fetch(url, "SELECT count(*) FROM link_mark WHERE kept_gaps <> '[]'")[0][0],
        "links": fetch(url, "SELECT count(*) FROM link_mark")[0][0],
    }


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
