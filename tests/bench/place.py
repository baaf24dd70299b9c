"""What is measured: an installation of real processes, with stations that may charge."""

import contextlib
import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.bench.cpu import Meter, Roots
from tests.bench.truth import AskPostgres, AskSqlite, Truth
from tests.support.installation import Installation, Role, installation, wait_until
from tests.support.services import Services

COMPOSITIONS = ("production", "embedded")
NO_RATE_LIMIT = {"STATIONMASTER_FRAMES_PER_S": "0"}
RATED_W = 2_000_000
"""The most a station may be: its meter runs faster than any car's."""
PARTS = {"ocpp-worker": "worker", "notification-worker": "notification", "analytics-worker": "analytics"}


@dataclass
class Place:
    """One composition, up and set up. ``stations``: the file that the load generator reads."""

    name: str
    installation: Installation
    stations: Path
    connections: int
    truth: Truth
    meter: Meter
    urls: dict[str, str]


@contextlib.contextmanager
def standing(
    name: str, folder: Path, services: Services, *, chargers: int, profiled: str = ""
) -> Iterator[Place]:
    """Up, until the context is left. ``profiled``: the role that runs under cProfile."""
    urls = _urls(services) if name == "production" else {}
    found = installation(name, folder, urls=urls, **NO_RATE_LIMIT)
    truth = None
    try:
        found.start()
        found.set_up()
        stations = _stations(found, folder, chargers)
        if profiled:
            _profile(found, profiled)
        for role in found.roles.values():
            wait_until(lambda: _is_ready(role), f"{role.name} is ready, see {role.log}")  # noqa: B023
        truth = _truth(found, urls)
        yield Place(name, found, stations, chargers, truth, _meter(found, services, truth), urls)
    finally:
        if truth is not None:
            truth.close()
        for role in list(found.roles.values())[::-1]:
            if role.is_running:
                with contextlib.suppress(AssertionError):
                    role.stop()
        if found._http is not None:
            found._http.close()


def _is_ready(role: Role) -> bool:
    """What a process says once it has started; the cost of starting is not measured."""
    return '"event": "ready"' in role.log.read_text(errors="replace")


def _urls(services: Services) -> dict[str, str]:
    return {
        "DATABASE_URL": services.postgres_url(),
        "RABBITMQ_URL": services.rabbitmq_url(),
        "REDIS_URL": services.redis_url(),
    }


def _stations(place: Installation, folder: Path, count: int) -> Path:
    """Registered with passwords; each has a card of its own, for which an organisation pays."""
    names = [f"BENCH-{number:04}" for number in range(count)]
    stations = [_station(place, name, f"CARD-{number:04}") for number, name in enumerate(names)]
    path = folder / "stations.json"
    path.write_text(json.dumps(stations))
    return path


def _station(place: Installation, name: str, card: str) -> dict[str, str]:
    owner = place.organisation_id
    place.post("/api/cms/id-tokens", token=card, payerKind="organisation", organisationId=owner)
    return {"station_id": name, "password": place.station(name, max_power_w=RATED_W), "id_token": card}


def _truth(place: Installation, urls: dict[str, str]) -> Truth:
    if place.kind == "production":
        return Truth(AskPostgres(urls["DATABASE_URL"]))
    return Truth(AskSqlite(Path(place.env["STATIONMASTER_DATA_DIR"]) / "stationmaster.db"))


def _meter(place: Installation, services: Services, truth: Truth) -> Meter:
    parts: dict[str, Roots] = {
        PARTS.get(name, name): lambda role=role: [role.pid]  # type: ignore[misc]
        for name, role in place.roles.items()
    }
    if place.kind == "production":
        parts |= {
            "broker": _given("TEST_RABBITMQ_URL", lambda: services.rabbit.pids()[:1]),
            "database": _given("TEST_POSTGRES_URL", lambda: services.postgres.pids()[:1]),
            "cache": _given("TEST_REDIS_URL", lambda: services.redis.pids()[:1]),
        }
    return Meter(parts, lambda: truth.pids)


def _given(variable: str, ours: Roots) -> Roots:
    """A server that somebody else started may be anywhere: it is not metered."""

    def nobody() -> Iterable[int]:
        return ()

    return nobody if os.environ.get(variable) else ours


def _profile(place: Installation, name: str) -> None:
    """The role again, under cProfile; the figures are then good for shares only."""
    role = place.roles[name]
    role.stop()
    role.log.write_text("")
    place.roles[name] = _Profiled(name, role.command, role.env, role.log)
    place.roles[name].start()
    place.wait_ready()
    place.wait_gateway()


class _Profiled(Role):
    """Writes <role>.prof beside its log."""

    def start(self) -> None:
        import subprocess
        import sys

        profile = str(self.log.with_suffix(".prof"))
        with self.log.open("ab") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "cProfile", "-o", profile, "-m", "stationmaster", *self.command],
                env=self.env, stdout=out, stderr=out, stdin=subprocess.DEVNULL,
            )  # fmt: skip
