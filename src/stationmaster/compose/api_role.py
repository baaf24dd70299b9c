"""HTTP, pages and Socket.IO as a role, and what its routes may use."""

import structlog

from stationmaster.actions.catalog import CommandCatalog
from stationmaster.api import app as api_app
from stationmaster.compose.adapters import Parts, make_browser_manager
from stationmaster.compose.checks import checks_of
from stationmaster.compose.http_server import HttpServer
from stationmaster.compose.policy import policy_of
from stationmaster.compose.viewers import Viewers
from stationmaster.infra.http.context import Context
from stationmaster.kernel.errors import Unavailable
from stationmaster.realtime.server import BrowserServer
from stationmaster.stations.capture import set_capture
from stationmaster.tariffs import versions as tariffs

log = structlog.get_logger()

RECHECK_LOGINS_S = 60.0


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
