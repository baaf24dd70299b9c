"""The pages in a real Chromium, fed by real stations on real sockets, in both compositions."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from tests.support.browser import browser, watch
from tests.support.fleet_process import FleetProcess
from tests.support.installation import ADMIN, PASSWORD, Installation, installation, wait_until
from tests.support.server import free_port
from tests.support.services import Services

WAIT_MS = 20_000
CREDIT_MINOR = 80_000
HOLD = "300"


@dataclass
class Place:
    """Something to look at: address, sign-ins, two well-behaved stations, one faulted, one offline."""

    url: str
    operator: tuple[str, str]
    driver: tuple[str, str]
    free: str
    paid: str
    mine: str
    faulted: str
    offline: str
    troubles: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser() as opened:
        yield opened


@pytest.fixture(scope="module", params=["embedded", "production"])
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp(request.param)
    if request.param == "embedded":
        yield from _demo(folder)
    else:
        yield from _production(folder, request.getfixturevalue("services"))


def _demo(folder: Path) -> Iterator[Place]:
    """`stationmaster demo`, as a new user starts it."""
    place = installation("embedded", folder)
    command = [
        sys.executable,
        "-m",
        "stationmaster",
        "demo",
        "--no-browser",
        "--data-dir",
        str(folder / "demo"),
        "--port",
        str(place.api_port),
        "--ocpp-port",
        str(free_port()),
    ]
    process = subprocess.Popen(
        command, env=place.env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        place.wait_ready()
        file = folder / "demo/demo.json"
        wait_until(lambda: file.exists() and file.stat().st_size, "demo.json")
        world = json.loads(file.read_text())
        # What it prints is what a person signs in with.
        told = _read_until(process, "Ctrl-C stops.")
        assert world["operator_email"] in told
        assert world["operator_password"] in told
        yield Place(
            place.api,
            (world["operator_email"], world["operator_password"]),
            (world["driver_email"], world["driver_password"]),
            "PUN-001",
            "PUN-002",
            "PUN-001",
            "PUN-009",
            "PUN-010",
        )
    finally:
        process.terminate()
        process.wait(20)
        assert process.stdout is not None
        process.stdout.close()


def _read_until(process: subprocess.Popen[str], end: str) -> str:
    lines: list[str] = []
    assert process.stdout is not None
    for line in process.stdout:
        lines.append(line)
        if end in line:
            break
    # Whatever it says later must not fill the pipe.
    threading.Thread(target=process.stdout.read, daemon=True).start()
    return "".join(lines)


def _production(folder: Path, services: Services) -> Iterator[Place]:
    urls = {
        "DATABASE_URL": services.postgres_url(),
        "RABBITMQ_URL": services.rabbitmq_url(),
        "REDIS_URL": services.redis_url(),
    }
    place = installation("production", folder, urls=urls)
    fleet: FleetProcess | None = None
    try:
        place.start()
        place.set_up()
        fleet = _stations(place, folder)
        yield Place(
            place.api,
            (ADMIN, PASSWORD),
            ("asha@test.example", PASSWORD),
            "W-1",
            "W-2",
            "W-1",
            "W-FAULTED",
            "W-OFF",
        )
    finally:
        if fleet is not None:
            fleet.stop()
        place.stop()


def _stations(place: Installation, folder: Path) -> FleetProcess:
    place.driver("asha@test.example", credit_minor=CREDIT_MINOR)
    specs = [
        {
            "station_id": name,
            "password": place.station(name, connectors=2),
            "connectors": 2,
            "personality": personality,
        }
        for name, personality in (
            ("W-1", "normal"),
            ("W-2", "normal"),
            ("W-FAULTED", "faulted"),
            ("W-OFF", "offline"),
        )
    ]
    fleet = FleetProcess(place.ocpp, specs, folder, env=place.env)
    fleet.start()
    return fleet


@pytest.fixture
def operator(chromium: Browser, place: Place) -> Iterator[Page]:
    yield from _signed_in(
        chromium.new_context(viewport={"width": 1440, "height": 900}), place, "/", place.operator
    )


@pytest.fixture
def driver(chromium: Browser, place: Place) -> Iterator[Page]:
    phone = chromium.new_context(viewport={"width": 390, "height": 844}, has_touch=True)
    yield from _signed_in(phone, place, "/driver/", place.driver)


def _signed_in(context: BrowserContext, place: Place, path: str, who: tuple[str, str]) -> Iterator[Page]:
    context.set_default_timeout(WAIT_MS)
    expect.set_options(timeout=WAIT_MS)
    page = context.new_page()
    troubles = watch(page, place.url)
    page.goto(place.url + path)
    page.get_by_test_id("signin-email").fill(who[0])
    page.get_by_test_id("signin-password").fill(who[1])
    page.get_by_test_id("signin-submit").click()
    yield page
    context.close()
    assert troubles == []


def test_a_wrong_password_says_nothing_about_what_was_wrong(chromium: Browser, place: Place) -> None:
    context = chromium.new_context()
    page = context.new_page()
    page.goto(place.url)
    page.get_by_test_id("signin-email").fill(place.operator[0])
    page.get_by_test_id("signin-password").fill("not the password")
    page.get_by_test_id("signin-submit").click()
    expect(page.get_by_role("alert")).to_be_visible(timeout=WAIT_MS)
    expect(page.get_by_test_id("charging-points-table")).to_have_count(0)
    context.close()


def test_the_page_shows_every_charger_as_it_is(operator: Page, place: Place) -> None:
    expect(operator.get_by_test_id("live-badge")).to_contain_text("Live")
    expect(operator.get_by_test_id(f"row-{place.free}")).to_be_visible()
    expect(operator.get_by_test_id(f"status-{place.faulted}-1")).to_contain_text("Faulted")
    expect(operator.get_by_test_id(f"status-{place.offline}-1")).to_contain_text("Offline")
    # Offline is never dressed up as ready: no start is offered (mission A.11).
    expect(operator.get_by_test_id(f"start-{place.offline}-1")).to_have_count(0)
    expect(operator.get_by_test_id(f"stop-{place.offline}-1")).to_have_count(0)


def test_an_operator_starts_and_stops_without_a_customer(operator: Page, place: Place) -> None:
    """Acceptance story 5: the stop button is there, and no wallet is touched."""
    name = f"{place.free}-1"
    operator.get_by_test_id(f"start-{name}").click()
    operator.get_by_test_id("start-reason").fill("trying the connector")
    operator.get_by_test_id("start-submit").click()
    expect(operator.get_by_test_id(f"status-{name}")).to_contain_text("Charging")
    operator.get_by_test_id(f"stop-{name}").click()
    operator.get_by_test_id("stop-confirm").click()
    expect(operator.get_by_test_id(f"start-{name}")).to_be_enabled()
    found = _last_session(operator, place, place.free)
    assert (found["state"], found["startedBy"], found["payerKind"]) == ("COMPLETED", "cms", "free")
    assert (found["holdMinor"], found["capturedMinor"]) == (0, 0)


def test_a_start_on_a_wallet_is_settled_and_the_rest_returned(operator: Page, place: Place) -> None:
    name = f"{place.paid}-1"
    operator.get_by_test_id(f"start-{name}").click()
    operator.get_by_test_id("start-payer").get_by_text("Driver's wallet").click()
    operator.get_by_test_id("start-driver").click()
    operator.get_by_role("option").filter(has_text="asha").first.click()
    operator.get_by_test_id("start-amount").fill(HOLD)
    operator.get_by_test_id("start-submit").click()
    expect(operator.get_by_test_id(f"status-{name}")).to_contain_text("Charging")
    expect(operator.get_by_test_id(f"row-{place.paid}")).to_contain_text("kWh")
    operator.get_by_test_id(f"stop-{name}").click()
    operator.get_by_test_id("stop-confirm").click()
    expect(operator.get_by_test_id(f"start-{name}")).to_be_enabled()
    found = _last_session(operator, place, place.paid)
    assert found["state"] == "COMPLETED"
    assert found["capturedMinor"] + found["releasedMinor"] == found["holdMinor"] == int(HOLD) * 100
    operator.goto(f"{place.url}/sessions/{found['sessionId']}")
    expect(operator.get_by_test_id("session-money")).to_be_visible()


def test_the_log_drawer_leaves_the_page_usable(operator: Page, place: Place) -> None:
    operator.get_by_test_id(f"log-open-{place.free}").click()
    drawer = operator.get_by_test_id("log-drawer")
    expect(drawer.get_by_test_id("log-row").first).to_be_visible()
    expect(drawer).to_contain_text("BootNotification")
    # No overlay: what lies beside the drawer can be clicked.
    operator.get_by_test_id("tile-faulted").click()
    expect(operator.get_by_test_id(f"row-{place.free}")).to_have_count(0)
    drawer.get_by_test_id("log-row").first.click()
    expect(operator.get_by_test_id("log-json").first).to_be_visible()
    operator.keyboard.press("Escape")
    expect(drawer).to_have_count(0)


def test_two_browsers_see_the_same_event(operator: Page, chromium: Browser, place: Place) -> None:
    second = _signed_in(chromium.new_context(), place, "/", place.operator)
    page = next(second)
    name = f"{place.free}-2"
    expect(page.get_by_test_id(f"start-{name}")).to_be_enabled()
    operator.get_by_test_id(f"start-{name}").click()
    operator.get_by_test_id("start-reason").fill("two are looking")
    operator.get_by_test_id("start-submit").click()
    for one in (operator, page):
        expect(one.get_by_test_id(f"status-{name}")).to_contain_text("Charging")
    page.get_by_test_id(f"stop-{name}").click()
    page.get_by_test_id("stop-confirm").click()
    for one in (operator, page):
        expect(one.get_by_test_id(f"start-{name}")).to_be_enabled()
    next(second, None)


def test_a_driver_charges_from_the_phone(driver: Page, place: Place) -> None:
    driver.get_by_test_id(f"station-{place.mine}").click()
    driver.get_by_test_id(f"connector-{place.mine}-1").click()
    driver.get_by_test_id("start-amount").fill(HOLD)
    driver.get_by_test_id("start-submit").click()
    expect(driver.get_by_test_id("live-session")).to_be_visible()
    expect(driver.get_by_test_id("live-session")).to_contain_text("kWh")
    driver.get_by_test_id(f"stop-{place.mine}-1").click()
    driver.get_by_test_id("stop-confirm").click()
    expect(driver.get_by_test_id("finished")).to_be_visible()
    expect(driver.get_by_test_id("session-money")).to_be_visible()


def _last_session(page: Page, place: Place, station_id: str) -> dict[str, Any]:
    """By the page's own login, once it has ended."""

    def ended() -> dict[str, Any] | None:
        answer = page.request.get(f"{place.url}/api/cms/sessions?stationId={station_id}&limit=1")
        found: dict[str, Any] = answer.json()["items"][0]
        return found if found["state"] in {"COMPLETED", "TERMINATED", "FAILED"} else None

    found: dict[str, Any] = wait_until(ended, f"the session on {station_id} ends")
    return found
