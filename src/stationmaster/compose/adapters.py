"""Which adapter serves which port? Asked of the settings, once; the others are not even loaded."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stationmaster.compose.secrets import Secrets
from stationmaster.compose.settings import Settings
from stationmaster.contracts.topology import Topology, topology
from stationmaster.infra.bus.port import Bus
from stationmaster.infra.cache.port import Cache
from stationmaster.infra.runtime import Runtime

if TYPE_CHECKING:
    from stationmaster.infra.bus.journal import JournalSpool
    from stationmaster.infra.db.database import Database


@dataclass(slots=True)
class Parts:
    """What the roles of one process share."""

    settings: Settings
    secrets: Secrets
    runtime: Runtime
    topology: Topology
    bus: Bus
    cache: Cache
    database: "Database | None"  # None: a gateway on its own


def make_bus(settings: Settings, runtime: Runtime) -> Bus:
    wanted = topology(settings.names)
    if settings.uses_rabbitmq:
        from stationmaster.infra.bus.amqp import AmqpBus

        return AmqpBus(settings.broker, topology=wanted, runtime=runtime)
    from stationmaster.infra.bus.journal import Journal, JournalBus

    settings.data_dir.mkdir(parents=True, exist_ok=True)
    return JournalBus(Journal(settings.data_dir / "bus.db"), wanted, runtime)


def make_database(settings: Settings, runtime: Runtime, *, role: str) -> "Database":
    if settings.uses_postgres:
        from stationmaster.infra.db.postgres import PostgresDatabase

        return PostgresDatabase(
            settings.database,
            pool_size=settings.db_pool_size,
            runtime=runtime,
            names=settings.names,
            application_name=f"stationmaster {role}",
        )
    from stationmaster.infra.db.sqlite import SqliteDatabase

    settings.data_dir.mkdir(parents=True, exist_ok=True)
    return SqliteDatabase(settings.database, runtime=runtime, names=settings.names, commit_in_thread=True)


def make_cache(settings: Settings, runtime: Runtime) -> Cache:
    if settings.cache:
        from stationmaster.infra.cache.redis import RedisCache

        return RedisCache(settings.cache)
    from stationmaster.infra.cache.memory import MemoryCache

    return MemoryCache(runtime.clock)


def make_spool(settings: Settings, directory: Path) -> "JournalSpool | None":
    """None where the bus is a file on this very machine: a second file beside it would save nothing."""
    if not (settings.spool and settings.uses_rabbitmq):
        return None
    from stationmaster.infra.bus.journal import JournalSpool

    return JournalSpool(directory / "spool.db", max_bytes=settings.spool_max_mb * 1024 * 1024)


def make_browser_manager(settings: Settings, runtime: Runtime, *, write_only: bool) -> Any:
    """None: the Socket.IO server's own memory (one process)."""
    if not settings.uses_rabbitmq:
        return None
    from stationmaster.realtime.packed import PackedManager

    return PackedManager(settings.broker, runtime, channel="stationmaster.socketio", write_only=write_only)


def make_parts(settings: Settings, secrets: Secrets, *, role: str, with_database: bool) -> Parts:
    runtime = Runtime()
    return Parts(
        settings=settings,
        secrets=secrets,
        runtime=runtime,
        topology=topology(settings.names),
        bus=make_bus(settings, runtime),
        cache=make_cache(settings, runtime),
        database=make_database(settings, runtime, role=role) if with_database else None,
    )
