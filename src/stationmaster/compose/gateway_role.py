"""The gateway as a process of its own, or inside a bigger one."""

from typing import Any

import structlog

from stationmaster.compose.adapters import Parts, make_spool
from stationmaster.compose.http_server import HttpServer
from stationmaster.gateway.options import GatewayOptions
from stationmaster.gateway.ports import StationDirectory
from stationmaster.gateway.rest_directory import RestDirectory
from stationmaster.gateway.server import Gateway
from stationmaster.kernel.errors import Unavailable

log = structlog.get_logger()


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
            from stationmaster.compose.directory import DirectDirectory

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
