"""The production shape as written down: compose.yaml's commands and the supervisor, run as local processes."""

import contextlib
import re
import time
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest
import yaml
from tests.support.installation import Role, installation, wait_until
from tests.support.server import free_port
from tests.support.services import Services

COMPOSE = Path(__file__).parents[2] / "compose.yaml"
VARIABLE = re.compile(r"\$\{(\w+)(?::([?-])([^}]*))?\}")


def _filled(value: str, variables: dict[str, str]) -> str:
    def fill(found: re.Match[str]) -> str:
        name, kind, rest = found.groups()
        if name in variables:
            return variables[name]
        assert kind == "-", f"compose.yaml demands {name}: {rest}"
        return rest

    return VARIABLE.sub(fill, value)


def _variables(services: Services) -> tuple[dict[str, str], dict[str, str]]:
    """(.env beside compose.yaml, what differs because the servers are not containers)."""
    database, broker, redis = (
        urlsplit(url) for url in (services.postgres_url(), services.rabbitmq_url(), services.redis_url())
    )
    given = {
        "DB_PASSWORD": database.password or "",
        "RABBITMQ_PASSWORD": broker.password or "",
        "REDIS_PASSWORD": "",
        "STATIONMASTER_STATION_PEPPER": "p" * 32,
        "STATIONMASTER_INTERNAL_SECRET": "i" * 32,
    }
    here = {
        "DB_HOST": str(database.hostname),
        "DB_PORT": str(database.port),
        "DB_NAME": database.path[1:],
        "DB_USER": str(database.username),
        "RABBITMQ_URL": f"amqp://{broker.hostname}:{broker.port}",
        "RABBITMQ_USERNAME": str(broker.username),
        "RABBITMQ_VHOST": broker.path[1:],
        "REDIS_HOST": str(redis.hostname),
        "REDIS_PORT": str(redis.port),
    }
    return given, here


@pytest.mark.services
def test_what_compose_would_run_comes_up_and_drains(tmp_path: Path, services: Services) -> None:
    place = installation("production", tmp_path)
    given, here = _variables(services)
    here |= {
        "OCPP_PORT": str(place.ocpp_port),
        "STATIONMASTER_API_PORT": str(place.api_port),
        "STATIONMASTER_BACKEND_URL": place.api,
        "STATIONMASTER_GATEWAY_METRICS_PORT": str(free_port()),
    }
    declared = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))["services"]
    ours = {name: spec for name, spec in declared.items() if spec.get("command", [""])[0] == "stationmaster"}
    assert set(ours) == {
        "gateway",
        "api",
        "ocpp-worker",
        "notification-worker",
        "analytics-worker",
        "scheduler",
    }
    for name, spec in ours.items():
        env = {key: _filled(str(value), given) for key, value in spec["environment"].items()}
        changed = {key: value for key, value in here.items() if key in env}
        place.roles[name] = Role(
            name, spec["command"][1:], {**place.env, **env, **changed}, tmp_path / f"{name}.log"
        )
    try:
        for role in place.roles.values():
            role.start()
        place.wait_ready()
        place.wait_gateway()
        # A gateway has no database: it is not even told where one is.
        assert not any(key.startswith(("DB_", "DATABASE_")) for key in ours["gateway"]["environment"])
        assert all(role.is_running for role in place.roles.values())
    finally:
        codes = place.stop()
    assert set(codes.values()) == {0}, codes


@pytest.mark.services
def test_a_supervised_role_that_dies_is_started_again(tmp_path: Path, services: Services) -> None:
    urls = {
        "DATABASE_URL": services.postgres_url(),
        "RABBITMQ_URL": services.rabbitmq_url(),
        "REDIS_URL": services.redis_url(),
    }
    place = installation("production", tmp_path, urls=urls)
    roles = "api,ocpp-worker*2,notification-worker,analytics-worker,scheduler,gateway"
    place.roles["up"] = Role("up", ["up", "--roles", roles], place.env, tmp_path / "up.log")
    place.roles["up"].start()
    try:
        place.wait_ready()
        place.wait_gateway()
        parent = psutil.Process(place.roles["up"].pid)

        def workers() -> list[psutil.Process]:
            """Those that live: one that was killed is a zombie until its parent has heard of it."""
            found = []
            for child in parent.children():
                with contextlib.suppress(psutil.NoSuchProcess):
                    if "ocpp-worker" in child.cmdline():
                        found.append(child)
            return found

        first = wait_until(
            lambda: found if len(found := workers()) == 2 else None, "two workers", within_s=90
        )
        victim = first[0].pid
        first[0].kill()
        wait_until(
            lambda: len(found := workers()) == 2 and victim not in {child.pid for child in found},
            "the worker is there again",
            within_s=90,
        )
    finally:
        began = time.monotonic()
        code = place.roles["up"].stop(within_s=60)
    assert code == 0
    assert time.monotonic() - began < 60


@pytest.mark.services
def test_a_role_on_its_own_needs_servers(tmp_path: Path) -> None:
    place = installation("embedded", tmp_path)
    done = place.command("ocpp-worker", check=False)
    assert done.returncode == 1
    assert "stationmaster up" in done.stderr


def test_one_demo_charge_ends_in_a_receipt(tmp_path: Path) -> None:
    """`make demo ARGS=--once`: the receipt adds up, and the energy is the simulated meter's."""
    import json

    place = installation("embedded", tmp_path)
    receipt = json.loads(place.command("demo", "--once", "--data-dir", str(tmp_path / "demo")).stdout)
    assert receipt["energy_wh"] == receipt["meter_wh"] > 0
    assert receipt["captured"] == receipt["fee"] + receipt["organisation"]
    assert receipt["held"] == receipt["captured"] + receipt["released"]
    assert receipt["captured"] == (receipt["energy_wh"] * 1850 * 2 + 1000) // 2000
