"""stationmaster doctor: is everything as it should be, and if not, what mends it?"""

import json
import os
import shutil
import socket
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass
from difflib import get_close_matches
from typing import Annotated, Any

import typer
from pydantic import AliasChoices
from rich.console import Console

from stationmaster.cli.running import run, settings_for
from stationmaster.compose.settings import Settings
from stationmaster.kernel.errors import StationmasterError

DISK_FREE_MIN_BYTES = 1024**3
CLOCK_SKEW_MAX_S = 2.0
OURS = ("STATIONMASTER_", "RABBITMQ_", "RAZORPAY_", "DB_", "REDIS_", "OCPP_")


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: what was looked at, is it well, what was seen, what to do."""

    name: str
    ok: bool
    seen: str
    fix: str = ""


def register(app: typer.Typer) -> None:
    app.command("doctor")(doctor)


def doctor(as_json: Annotated[bool, typer.Option("--json", help="Machine-readable.")] = False) -> None:
    """Check settings, database, broker, queues, books, ports, disk and pages."""
    findings = run(_examine(settings_for(log_level="ERROR")))
    if as_json:
        print(json.dumps([asdict(finding) for finding in findings]))
    else:
        _print(findings)
    raise typer.Exit(0 if all(finding.ok for finding in findings) else 1)


def _print(findings: list[Finding]) -> None:
    console = Console()
    for finding in findings:
        console.print(
            f"[{'green' if finding.ok else 'red'}]{'✓' if finding.ok else '✗'}[/] {finding.name}: {finding.seen}"
        )
        if finding.fix and not finding.ok:
            console.print(f"    {finding.fix}")


async def _examine(settings: Settings) -> list[Finding]:
    found = [_settings(settings), *_names(), _disk(settings), _pages(), *_ports(settings)]
    found += [finding async for finding in _database(settings)]
    found += [finding async for finding in _broker(settings)]
    return found + await _cache(settings)


def _settings(settings: Settings) -> Finding:
    mistakes = settings.mistakes()
    shape = "one process, nothing installed" if settings.is_embedded else "servers"
    return Finding("settings", not mistakes, "; ".join(mistakes) or shape, "See docs/reference/settings.md.")


def _names() -> list[Finding]:
    """Variables that look like ours and are none."""
    known = {
        str(choice)
        for field in Settings.model_fields.values()
        if isinstance(field.validation_alias, AliasChoices)
        for choice in field.validation_alias.choices
    }
    found = []
    for name in sorted(os.environ):
        if name.startswith(OURS) and name not in known and not name.startswith("STATIONMASTER_SKIP"):
            near = get_close_matches(name, known, n=1)
            found.append(
                Finding(
                    "settings",
                    ok=False,
                    seen=f"{name} is no setting",
                    fix=f"Did you mean {near[0]}?" if near else "Remove it.",
                )
            )
    return found


def _disk(settings: Settings) -> Finding:
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(settings.data_dir).free
    return Finding(
        "disk",
        free > DISK_FREE_MIN_BYTES,
        f"{free / 1024**3:.1f} GiB free in {settings.data_dir}",
        "The journal and the spool need room.",
    )


def _pages() -> Finding:
    from stationmaster.api.pages import STATIC

    built = (STATIC / "index.html").is_file()
    return Finding("pages", built, "built" if built else "not built", "make ui")


def _ports(settings: Settings) -> list[Finding]:
    found = []
    for host, port in [*settings.listeners, (settings.bind, settings.api_port)]:
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
                found.append(Finding(f"port {port}", ok=True, seen="free"))
            except OSError:
                found.append(Finding(f"port {port}", ok=True, seen="in use (running already?)"))
    return found


async def _database(settings: Settings) -> AsyncIterator[Finding]:
    import asyncio

    from sqlalchemy import text

    from stationmaster.compose.adapters import make_database
    from stationmaster.infra.db import migrate
    from stationmaster.infra.runtime import Runtime

    runtime = Runtime()
    database = make_database(settings, runtime, role="doctor")
    try:
        waiting = await asyncio.to_thread(migrate.pending, settings.database)
        yield Finding(
            "schema",
            not waiting,
            "current" if not waiting else f"pending: {', '.join(waiting)}",
            "stationmaster migrate",
        )
        if waiting:
            return
        await database.start()
        if settings.uses_postgres:
            async with database.reading() as reader:
                theirs = (await reader.execute(text("SELECT clock_timestamp()"))).scalar()
            skew = abs((theirs - runtime.clock.now()).total_seconds())
            yield Finding(
                "database clock", skew < CLOCK_SKEW_MAX_S, f"{skew:.2f} s apart", "Run NTP on both."
            )
        yield await _books(database, runtime)
    except (StationmasterError, OSError) as error:
        yield Finding(
            "database", ok=False, seen=str(error), fix="Is it running, and are DATABASE_URL or DB_* right?"
        )
    finally:
        await database.stop()


async def _books(database: Any, runtime: Any) -> Finding:
    """The rooms' own truths (architecture 1.10)."""
    from stationmaster.charging import invariants as charging
    from stationmaster.wallet import invariants as wallet

    now = runtime.clock.now()
    async with database.reading() as reader:
        breaches = [*await wallet.breaches(reader, now=now), *await charging.breaches(reader, now=now)]
    return Finding(
        "books",
        not breaches,
        "every truth holds" if not breaches else "; ".join(map(str, breaches[:5])),
        "Do not touch the rows: find what caused it first.",
    )


async def _broker(settings: Settings) -> AsyncIterator[Finding]:
    from stationmaster.compose.adapters import make_bus
    from stationmaster.contracts.topology import topology
    from stationmaster.infra.runtime import Runtime

    bus = make_bus(settings, Runtime())
    try:
        await bus.start()
        if settings.uses_rabbitmq and not bus.ready:
            yield Finding(
                "broker", ok=False, seen="not reachable", fix="Is it running, and is RABBITMQ_URL right?"
            )
            return
        problems = await bus.check(topology(settings.names))
        yield Finding(
            "queues", not problems, "; ".join(problems[:5]) or "all there", "stationmaster topology apply"
        )
        dead = [
            f"{state.name} {state.ready}"
            for state in await bus.state()
            if state.name.endswith(".dead") and state.ready
        ]
        yield Finding("dead letters", not dead, ", ".join(dead) or "none", "See docs/howto/dead-letters.md.")
    except (StationmasterError, OSError) as error:
        held = error.code == "journal_in_use" if isinstance(error, StationmasterError) else False
        yield Finding("broker", ok=held, seen="the running process has it open" if held else str(error))
    finally:
        await bus.stop()


async def _cache(settings: Settings) -> list[Finding]:
    from stationmaster.compose.adapters import make_cache
    from stationmaster.infra.runtime import Runtime

    if not settings.cache:
        return []
    cache = make_cache(settings, Runtime())
    try:
        await cache.start()
        await cache.ping()
        return [Finding("cache", ok=True, seen="answers")]
    except (StationmasterError, OSError) as error:
        return [Finding("cache", ok=False, seen=str(error), fix="Is Redis running, and are REDIS_* right?")]
    finally:
        await cache.stop()
