"""A whole Stationmaster as an operator would run it: real processes, real servers, set up over the real API."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from tests.support.server import free_port

PRODUCTION_ROLES = ("api", "ocpp-worker", "notification-worker", "analytics-worker", "scheduler", "gateway")
READY_WITHIN_S = 60.0
POLL_S = 0.05
PASSWORD = "a password for tests 1"
ADMIN = "admin@test.example"


def wait_until(holds: Callable[[], Any], what: str, *, within_s: float = 30.0) -> Any:
    """The first true value. Polls: what is waited for happens in another process."""
    until = time.monotonic() + within_s
    while True:
        if found := holds():
            return found
        if time.monotonic() > until:
            raise AssertionError(f"not within {within_s:.0f} s: {what}")
        time.sleep(POLL_S)


@dataclass
class Role:
    """One process of ours, to be killed and started again."""

    name: str
    command: list[str]
    env: dict[str, str]
    log: Path
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.log.open("ab") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "stationmaster", *self.command],
                env=self.env,
                stdout=out,
                stderr=out,
                stdin=subprocess.DEVNULL,
            )

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    @property
    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def kill(self) -> None:
        """SIGKILL: no goodbye."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self, *, within_s: float = 25.0) -> int:
        """SIGTERM; the exit code."""
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(within_s)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                raise AssertionError(
                    f"{self.name} did not stop within {within_s} s: see {self.log}"
                ) from None
        return self.process.returncode

    def restart(self) -> None:
        if self.is_running:
            self.stop()
        self.start()


@dataclass
class Installation:
    """``kind`` embedded or production."""

    kind: str
    folder: Path
    env: dict[str, str]
    api_port: int
    ocpp_port: int
    roles: dict[str, Role] = field(default_factory=dict)
    organisation_id: str = ""
    tariff_id: str = ""
    _http: httpx.Client | None = None

    @property
    def api(self) -> str:
        return f"http://127.0.0.1:{self.api_port}"

    @property
    def ocpp(self) -> str:
        return f"ws://127.0.0.1:{self.ocpp_port}/ws/ocpp/16"

    def start(self) -> None:
        names = PRODUCTION_ROLES if self.kind == "production" else ("up",)
        for name in names:
            self.roles[name] = Role(name, [name], self.env, self.folder / f"{name}.log")
            self.roles[name].start()
            if name in {"api", "up"}:
                self.wait_ready()
        self.wait_gateway()

    def wait_ready(self) -> None:
        wait_until(
            lambda: _healthy(self.api), f"{self.api} healthy; logs in {self.folder}", within_s=READY_WITHIN_S
        )

    def wait_gateway(self) -> None:
        wait_until(
            lambda: _listens(self.ocpp_port),
            f"gateway on {self.ocpp_port}; logs in {self.folder}",
            within_s=READY_WITHIN_S,
        )

    def stop(self) -> dict[str, int]:
        """Exit codes by role."""
        if self._http is not None:
            self._http.close()
            self._http = None
        return {name: role.stop() for name, role in reversed(self.roles.items())}

    def command(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """A stationmaster command with this installation's settings."""
        return subprocess.run(
            [sys.executable, "-m", "stationmaster", *words],
            env=self.env,
            check=check,
            capture_output=True,
            text=True,
            timeout=60,
        )

    # The API, as an operator.

    def set_up(self) -> None:
        """An admin, an organisation, a tariff."""
        self.command(
            "create-admin", ADMIN, "--password", PASSWORD, "--name", "Admin", "--organisation", "Test Org"
        )
        self.organisation_id = self.get("/api/cms/organisations")["items"][0]["id"]
        tariff = self.post(
            "/api/cms/tariffs", name="Flat", priceMinorPerKwh=1850, organisationId=self.organisation_id
        )
        self.tariff_id = tariff.get("id") or tariff["tariff"]["id"]

    @property
    def http(self) -> httpx.Client:
        if self._http is None:
            self._http = self.client(ADMIN, PASSWORD)
        return self._http

    def client(self, email: str, password: str) -> httpx.Client:
        """Signed in with a bearer token."""
        client = httpx.Client(base_url=self.api, timeout=15.0)
        answer = client.post("/api/auth/token", json={"email": email, "password": password})
        client.headers["Authorization"] = f"Bearer {checked(answer)['accessToken']}"
        return client

    def get(self, path: str, **query: Any) -> Any:
        return checked(self.http.get(path, params=query))

    def post(self, path: str, *, key: str = "", **body: Any) -> Any:
        return checked(self.http.post(path, json=body, headers={"Idempotency-Key": key} if key else {}))

    def station(
        self, station_id: str, *, connectors: int = 1, max_power_w: int = 400_000, profile: int = 1
    ) -> str:
        """Registers it; its password ("" for profile 0)."""
        made = self.post(
            "/api/cms/stations",
            stationId=station_id,
            name=station_id,
            site="Test",
            securityProfile=profile,
            connectorCount=connectors,
            tariffId=self.tariff_id,
            organisationId=self.organisation_id,
            maxPowerW=max_power_w,
        )
        return made["password"] or ""

    def driver(self, email: str, *, credit_minor: int = 0) -> str:
        """Registers a driver with money; the id."""
        made = self.post(
            "/api/cms/drivers", email=email, password=PASSWORD, name=email.split("@", maxsplit=1)[0]
        )
        driver_id: str = made.get("id") or made["driver"]["id"]
        if credit_minor:
            self.post(
                f"/api/cms/wallets/{driver_id}/credits",
                key=f"credit-{email}",
                amountMinor=credit_minor,
                reason="test money",
            )
        return driver_id

    def session(self, session_id: str) -> dict[str, Any]:
        found: dict[str, Any] = self.get(f"/api/cms/sessions/{session_id}")
        return found

    def wait_session(self, session_id: str, *states: str, within_s: float = 30.0) -> dict[str, Any]:
        def there() -> dict[str, Any] | None:
            found = self.session(session_id)
            return found if found["state"] in states else None

        found: dict[str, Any] = wait_until(there, f"session {session_id} in {states}", within_s=within_s)
        return found


def checked(answer: httpx.Response) -> Any:
    assert answer.is_success, (
        f"{answer.request.method} {answer.request.url}: {answer.status_code} {answer.text[:500]}"
    )
    return answer.json()


def _healthy(api: str) -> bool:
    with contextlib.suppress(httpx.HTTPError):
        return httpx.get(f"{api}/health", timeout=3).status_code == 200
    return False


def _listens(port: int) -> bool:
    import socket

    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def _environment(folder: Path, **more: str) -> dict[str, str]:
    inherited = {
        k: v
        for k, v in os.environ.items()
        if not k.startswith(("STATIONMASTER_", "RABBITMQ_", "DB_", "REDIS_"))
    }
    src = str(Path(__file__).parents[2] / "src")
    return {
        **inherited,
        "PYTHONPATH": src,
        "STATIONMASTER_DATA_DIR": str(folder / "data"),
        "LOG_LEVEL": "INFO",
        "STATIONMASTER_LOG_STYLE": "json",
        "STATIONMASTER_HOST": "127.0.0.1",
        **more,
    }


def installation(kind: str, folder: Path, *, urls: dict[str, str] | None = None, **more: str) -> Installation:
    """Not started yet. ``urls``: DATABASE_URL, RABBITMQ_URL, REDIS_URL for production."""
    api_port, ocpp_port = free_port(), free_port()
    env = _environment(folder, STATIONMASTER_API_PORT=str(api_port), OCPP_PORT=str(ocpp_port), **more)
    if kind == "production":
        env |= {
            **(urls or {}),
            "STATIONMASTER_STATION_PEPPER": "p" * 32,
            "STATIONMASTER_INTERNAL_SECRET": "i" * 32,
            "STATIONMASTER_DEV": "1",
        }
    return Installation(kind, folder, env, api_port, ocpp_port)


@contextlib.contextmanager
def running(
    kind: str, folder: Path, *, urls: dict[str, str] | None = None, **more: str
) -> Iterator[Installation]:
    """Started, set up, and stopped at the end whatever happens."""
    found = installation(kind, folder, urls=urls, **more)
    try:
        found.start()
        found.set_up()
        yield found
    finally:
        if found._http is not None:
            found._http.close()
        for role in found.roles.values():
            if role.is_running:
                with contextlib.suppress(AssertionError):
                    role.stop(within_s=10)
