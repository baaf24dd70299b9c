"""The roles a process can play, and how each starts and stops.

Order matters and is logged: schema, broker, consumers, HTTP; stopping goes the other way and drains.
"""

import asyncio
from typing import Any, ClassVar, Protocol

import structlog
import uvicorn

from stationmaster.actions.catalog import CommandCatalog
from stationmaster.actions.dispatch import Registry
from stationmaster.api import app as api_app
from stationmaster.charging.model import ChargingPolicy
from stationmaster.compose.adapters import Parts, make_browser_manager, make_spool
from stationmaster.compose.checks import checks_of
from stationmaster.compose.directory import DirectDirectory
from stationmaster.compose.viewers import Viewers
from stationmaster.gateway.options import GatewayOptions
from stationmaster.gateway.ports import StationDirectory
from stationmaster.gateway.rest_directory import RestDirectory
from stationmaster.gateway.server import Gateway
from stationmaster.infra.bus.port import Subscription
from stationmaster.infra.db.hints import HintPublisher
from stationmaster.infra.db.outbox import OutboxRelay
from stationmaster.infra.http.context import Context
from stationmaster.kernel.errors import Unavailable
from stationmaster.realtime.server import BrowserServer, Emitter
from stationmaster.stations import registry as stations
from stationmaster.stations.capture import set_capture
from stationmaster.tariffs import versions as tariffs
from stationmaster.worker import consumers, schedule
from stationmaster.worker.frames import FrameWorker

log = structlog.get_logger()

EMIT_PREFETCH = 200
HTTP_DRAIN_S = 5
RECHECK_LOGINS_S = 60.0


class Role(Protocol):
    """``needs_database``: the gateway has none (architecture 1.2)."""

    name: ClassVar[str]
    needs_database: ClassVar[bool]

    async def start(self, parts: Parts) -> None: ...
    async def stop(self) -> None: ...


def policy_of(parts: Parts) -> ChargingPolicy:
    return ChargingPolicy(
        default_hold_minor=parts.settings.default_hold_minor, start_deadline_s=parts.settings.start_deadline_s
    )


def ports_of(parts: Parts) -> dict[str, Any]:
    """What consumers, jobs and handlers may ask for by name, beside the plumbing."""
    return {
        "policy": policy_of(parts),
        "log_kept_days": parts.settings.log_kept_days,
        "organisations_of": stations.organisations_of,
    }


class GatewayRole:
    """Speaks OCPP. Beside the database's owner it asks directly, else by internal REST."""

    name = "gateway"
    needs_database = False

    def __init__(self) -> None:
        self.gateway: Gateway | None = None
        self._rest: RestDirectory | None = None
        self._http: HttpServer | None = None

    async def start(self, parts: Parts) -> None:
        settings = parts.settings
        directory = settings.data_dir / "gateway"
        directory.mkdir(parents=True, exist_ok=True)
        options = GatewayOptions(
            data_dir=directory,
            listeners=settings.listeners,
            gateway_id=settings.gateway_id,
            peppers={"": parts.secrets.station_pepper},
            names=settings.names,
            heartbeat_interval_s=settings.heartbeat_interval_s,
            takeover=settings.takeover,
            is_behind_tls=settings.ocpp_behind_tls,
            reuse_port=settings.ocpp_reuse_port,
            trusted_proxies=tuple(p.strip() for p in settings.trusted_proxies.split(",") if p.strip()),
            frames_per_s=settings.frames_per_s,
        )
        self.gateway = Gateway(
            parts.bus,
            self._directory(parts),
            make_spool(settings, directory),
            parts.cache,
            parts.runtime,
            options,
        )
        await self.gateway.start()
        log.info("gateway.listening", ports=self.gateway.ports, gateway_id=self.gateway.gateway_id)
        if parts.database is None and settings.gateway_metrics_port:
            self._http = HttpServer()
            await self._http.start(_gateway_status(self.gateway), "127.0.0.1", settings.gateway_metrics_port)

    def _directory(self, parts: Parts) -> StationDirectory:
        if parts.database is not None:
            return DirectDirectory(parts.database, parts.runtime)
        url = parts.settings.backend_url or f"http://127.0.0.1:{parts.settings.api_port}"
        self._rest = RestDirectory(url, parts.secrets.internal_secret)
        return self._rest

    async def stop(self) -> None:
        if self._http is not None:
            await self._http.stop()
        if self.gateway is not None:
            await self.gateway.stop()
        if self._rest is not None:
            await self._rest.stop()


def _gateway_status(gateway: Gateway) -> Any:
    """Health and metrics of a gateway on its own: on loopback, for the machine's own agents."""
    from fastapi import FastAPI

    from stationmaster.api import health

    async def accepting() -> None:
        if not gateway.is_accepting:
            raise Unavailable("not_accepting", "stations would not be let in now")

    status = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    status.include_router(health.router({"gateway": accepting}))
    return status


class WorkerRole:
    """OCPP frames, the log, commands and their answers, and the outbox relay."""

    name = "ocpp-worker"
    needs_database = True

    async def start(self, parts: Parts) -> None:
        assert parts.database is not None
        shared: dict[str, Any] = {
            "database": parts.database,
            "bus": parts.bus,
            "runtime": parts.runtime,
            "names": parts.settings.names,
        }
        self._frames = FrameWorker(**shared, registry=Registry(), ports=ports_of(parts))
        self._consumers = consumers.ConsumerRunner(**shared, cache=parts.cache, ports=ports_of(parts))
        ours = [c for c in consumers.discovered(parts.settings.names) if not c.name.startswith("analytics.")]
        self._relay = parts.runtime.spawn(
            OutboxRelay(parts.database, parts.bus, parts.runtime).run(), name="outbox-relay"
        )
        await self._consumers.start(ours)
        await self._frames.start()
        log.info("worker.consuming", consumers=[c.name for c in ours])

    async def stop(self) -> None:
        await self._frames.stop()
        await self._consumers.stop()
        self._relay.cancel()
        await asyncio.gather(self._relay, return_exceptions=True)


class AnalyticsRole:
    name = "analytics-worker"
    needs_database = True

    async def start(self, parts: Parts) -> None:
        assert parts.database is not None
        self._consumers = consumers.ConsumerRunner(
            database=parts.database,
            bus=parts.bus,
            cache=parts.cache,
            runtime=parts.runtime,
            names=parts.settings.names,
            ports=ports_of(parts),
        )
        await self._consumers.start(
            [c for c in consumers.discovered(parts.settings.names) if c.name.startswith("analytics.")]
        )

    async def stop(self) -> None:
        await self._consumers.stop()


class SchedulerRole:
    """Jobs, each done by one leader whatever the number of schedulers; a relay too, should the workers be away."""

    name = "scheduler"
    needs_database = True

    async def start(self, parts: Parts) -> None:
        assert parts.database is not None
        self._relay = parts.runtime.spawn(
            OutboxRelay(parts.database, parts.bus, parts.runtime).run(), name="outbox-relay-standby"
        )
        self._jobs = schedule.JobRunner(
            database=parts.database,
            bus=parts.bus,
            cache=parts.cache,
            runtime=parts.runtime,
            names=parts.settings.names,
            ports=ports_of(parts),
        )
        jobs = schedule.discovered()
        await self._jobs.start(jobs)
        log.info("scheduler.started", jobs=[job.name for job in jobs])

    async def stop(self) -> None:
        await self._jobs.stop()
        self._relay.cancel()
        await asyncio.gather(self._relay, return_exceptions=True)


class NotificationRole:
    """`notifications` to browsers; with a shared manager it needs no browser of its own."""

    name = "notification-worker"
    needs_database = False

    def __init__(self) -> None:
        self._manager: Any = None
        self._subscription: Subscription | None = None

    def use(self, manager: Any) -> None:
        """The Socket.IO server's own manager, when it lives in this process."""
        self._manager = manager

    async def start(self, parts: Parts) -> None:
        manager = self._manager or make_browser_manager(parts.settings, parts.runtime, write_only=True)
        self._subscription = await parts.bus.consume(
            parts.settings.names.notifications,
            Emitter(manager).consume,
            batch_max=EMIT_PREFETCH,
            prefetch=EMIT_PREFETCH,
        )

    async def stop(self) -> None:
        if self._subscription is not None:
            await self._subscription.cancel()


class ApiRole:
    """HTTP, pages and Socket.IO."""

    name = "api"
    needs_database = True

    def __init__(self) -> None:
        self.browsers: BrowserServer | None = None
        self.port = 0

    def prepare(self, parts: Parts) -> None:
        """The Socket.IO server exists before the notification role that feeds it."""
        assert parts.database is not None
        self.browsers = BrowserServer(
            authenticate=Viewers(parts.database, parts.runtime).authenticate,
            manager=make_browser_manager(parts.settings, parts.runtime, write_only=False),
            origins=parts.settings.origin_list,
        )

    async def start(self, parts: Parts) -> None:
        if self.browsers is None:
            self.prepare(parts)
        assert self.browsers is not None
        application = api_app.build(
            context_of(parts), origins=parts.settings.origin_list, checks=checks_of(parts)
        )
        self._recheck = parts.runtime.spawn(self._keep_checking(parts), name="browser-logins")
        self._server = HttpServer()
        self.port = await self._server.start(
            self.browsers.asgi(application), parts.settings.bind, parts.settings.api_port
        )
        log.info("api.listening", host=parts.settings.bind, port=self.port)

    async def _keep_checking(self, parts: Parts) -> None:
        assert self.browsers is not None
        while True:
            await parts.runtime.sleep(RECHECK_LOGINS_S)
            try:
                await self.browsers.recheck()
            except Unavailable as error:
                log.warning("browsers.not_rechecked", why=str(error))

    async def stop(self) -> None:
        self._recheck.cancel()
        await self._server.stop()


def context_of(parts: Parts) -> Context:
    """What routes may use."""
    assert parts.database is not None
    return Context(
        database=parts.database,
        bus=parts.bus,
        cache=parts.cache,
        runtime=parts.runtime,
        commands=CommandCatalog(),
        names=parts.settings.names,
        options={
            "internal_secret": parts.secrets.internal_secret,
            "station_pepper": parts.secrets.station_pepper,
            "charging": policy_of(parts),
            "set_capture": set_capture,
            "tariff_exists": tariffs.exists,
        },
    )


class HttpServer:
    """uvicorn inside our own loop: we keep the signals."""

    async def start(self, application: Any, host: str, port: int) -> int:
        """The port that was bound. Raises OSError when it is taken."""
        config = uvicorn.Config(
            application,
            host=host,
            port=port,
            log_config=None,
            access_log=False,
            lifespan="off",
            timeout_graceful_shutdown=HTTP_DRAIN_S,
            server_header=False,
            ws="websockets-sansio",
        )
        self._server = uvicorn.Server(config)
        socket = config.bind_socket()
        self._task = asyncio.get_running_loop().create_task(self._server.serve([socket]), name="http")
        while not self._server.started:
            if self._task.done():
                await self._task
                raise OSError(f"the HTTP server on {host}:{port} ended at once")
            await asyncio.sleep(0.01)
        return int(socket.getsockname()[1])

    async def stop(self) -> None:
        self._server.should_exit = True
        await self._task


def plumbing(parts: Parts) -> asyncio.Task[None] | None:
    """Losable facts leave with their commit: every process with a database needs this."""
    if parts.database is None:
        return None
    hints = HintPublisher(parts.bus, parts.runtime, parts.settings.names)
    parts.database.on_hints(hints.publish)
    return parts.runtime.spawn(hints.run(), name="hints")


ALL: dict[str, type[Any]] = {
    role.name: role
    for role in (GatewayRole, WorkerRole, NotificationRole, AnalyticsRole, ApiRole, SchedulerRole)
}
