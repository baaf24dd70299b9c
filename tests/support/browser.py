"""A real Chromium for tests: given by TEST_CHROMIUM, else installed, else Debian's package."""

import contextlib
import os
import shutil
from collections.abc import Iterator

from playwright.sync_api import Browser, Page, sync_playwright
from tests.support import debian

# No look-ups of its own: what a page asks for must be all there is.
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
]


def chromium() -> str:
    found = os.environ.get("TEST_CHROMIUM") or shutil.which("chromium")
    if found is None:
        debian.install("chromium")
        found = shutil.which("chromium")
    assert found, "Debian's chromium was installed, but there is no `chromium` on the path"
    return found


@contextlib.contextmanager
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
        try:
            yield opened
        finally:
            opened.close()


def watch(page: Page, origin: str) -> list[str]:
    """What must not happen on a page: requests to elsewhere, script errors, a broken content policy."""
    troubles: list[str] = []
    allowed = (origin, origin.replace("http", "ws", 1), "data:", "blob:")
    page.on(
        "request",
        lambda r: None if r.url.startswith(allowed) else troubles.append(f"outside request: {r.url}"),
    )
    page.on("pageerror", lambda error: troubles.append(f"script error: {error}"))
    page.on("console", lambda m: troubles.append(m.text) if "Content Security Policy" in m.text else None)
    return troubles
