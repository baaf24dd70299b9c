"""One process: which roles, in which order up, and the same way down."""

import asyncio
import gc
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import structlog

from stationmaster.compose import roles as r
from stationmaster.compose import secrets
from stationmaster.compose.adapters import Parts, make_parts
from stationmaster.compose.settings import Settings
from stationmaster.kernel.errors import Refused, StationmasterError, Unavailable

log = structlog.get_logger()

WAIT_FOR_SERVERS_S = 60.0
RETRY_S = 1.0
EMBEDDED_ROLES = ("api", "notification-worker", "ocpp-worker", "analytics-worker", "scheduler", "gateway")
"""HTTP before the gateway: stations find a backend that answers."""


@dataclass(slots=True)
class Running:
    """A process that is up."""

    parts: Parts
    roles: list[r.Role]

    def role(self, name: str) -> r.Role:
        return next(role for role in self.roles if role.name == name)


@asynccontextmanager
async def running(
    settings: Settings, names: Sequence[str], *, secrets_: secrets.Secrets | None = None
) -> AsyncIterator[Running]:
    """Start the roles; on leaving, stop them in the opposite order and let go of everything."""
    chosen = _roles(names)
    with_database = any(role.needs_database for role in chosen)
    parts = make_parts(
        settings, secrets_ or secrets.load(settings), role=",".join(names), with_database=with_database
    )
    process = Running(parts, [])
    try:
        await _plumb(parts)
        _introduce(chosen, parts)
        for role in chosen:
            log.info("start", step=role.name)
            await role.start(parts)
            process.roles.append(role)
        yield process
    finally:
        await _stop(process)


def _roles(names: Sequence[str]) -> list[r.Role]:
    if unknown := [name for name in names if name not in r.ALL]:
        raise Refused(
            "unknown_role", f"No such role: {', '.join(unknown)}.", hint=f"One of {', '.join(r.ALL)}."
        )
    return [r.make(name) for name in names]


def _introduce(chosen: Sequence[r.Role], parts: Parts) -> None:
    """In one process, what is told to browsers goes straight to the server that holds them."""
    by_name: dict[str, Any] = {role.name: role for role in chosen}
    api, teller = by_name.get("api"), by_name.get("notification-worker")
    if api is not None and teller is not None:
        api.prepare(parts)
        teller.use(api.browsers.manager)


async def _plumb(parts: Parts) -> None:
    """Schema, then broker (mission R12). Servers that are still starting are waited for."""
    if parts.database is not None:
        log.info("start", step="schema", database=parts.settings.database.split("@")[-1])
        await _patiently("database", lambda: _schema(parts))
        await parts.database.start()
    log.info(
        "start",
        step="broker",
        broker=parts.settings.broker.split("@")[-1] if parts.settings.uses_rabbitmq else "file",
    )
    await parts.cache.start()
    await parts.bus.start()
    if parts.database is not None:
        # A gateway goes on without a broker; the backend's processes have nothing to do without one.
        await _patiently("broker", lambda: parts.bus.apply(parts.topology))
        _hint(parts)
    elif parts.bus.ready:
        for problem in await parts.bus.check(parts.topology):
            log.warning("topology.problem", problem=problem)


def _hint(parts: Parts) -> None:
    """Losable facts leave with their commit: every process with a database needs this."""
    from stationmaster.infra.db.hints import HintPublisher

    assert parts.database is not None
    hints = HintPublisher(parts.bus, parts.runtime, parts.settings.names)
    parts.database.on_hints(hints.publish)
    _ = parts.runtime.spawn(hints.run(), name="hints")


async def _schema(parts: Parts) -> None:
    from stationmaster.infra.db import migrate

    url = parts.settings.database
    if parts.settings.migrate:
        await asyncio.to_thread(migrate.upgrade, url)
    elif waiting := await asyncio.to_thread(migrate.pending, url):
        raise Refused(
            "schema_behind", f"Migrations are pending: {', '.join(waiting)}.", hint="stationmaster migrate"
        )


async def _patiently(what: str, do: Callable[[], Awaitable[object]]) -> None:
    loop = asyncio.get_running_loop()
    until = loop.time() + WAIT_FOR_SERVERS_S
    while True:
        try:
            await do()
            return
        except (Unavailable, OSError) as error:
            if loop.time() > until:
                raise
            log.warning("start.waiting", what=what, why=str(error))
            await asyncio.sleep(RETRY_S)


async def _stop(process: Running) -> None:
    for role in reversed(process.roles):
        log.info("stop", step=role.name)
        try:
            await role.stop()
        except (StationmasterError, OSError, TimeoutError) as error:
            log.warning("stop.failed", step=role.name, why=str(error))
    parts = process.parts
    await parts.bus.stop()
    await parts.cache.stop()
    if parts.database is not None:
        await parts.database.stop()
    await parts.runtime.cancel_all()


async def until_signalled() -> None:
    """Returns on SIGTERM or SIGINT; a second one ends the process at once."""
    asked = asyncio.Event()
    loop = asyncio.get_running_loop()

    def ask() -> None:
        asked.set()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ask)
    await asked.wait()


def calm_garbage_collector() -> None:
    """What exists now stays for good, and what comes lives for a batch and dies by reference count. Looking
    through all of it as often as Python does by default took a fifth of a worker's time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)


async def serve(settings: Settings, names: Sequence[str]) -> None:
    """The roles until a signal."""
    async with running(settings, names):
        calm_garbage_collector()
        log.info("ready", roles=list(names))
        await until_signalled()


def order(names: Sequence[str]) -> list[str]:
    """Roles of one process in the order they start."""
    return [name for name in EMBEDDED_ROLES if name in names] + [n for n in names if n not in EMBEDDED_ROLES]
