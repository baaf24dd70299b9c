"""Who may listen on Socket.IO, and in which rooms: the same logins as everywhere else."""

from collections.abc import Mapping
from http.cookies import CookieError, SimpleCookie
from typing import Any

from stationmaster.identity import logins
from stationmaster.identity.access import COOKIE
from stationmaster.identity.model import Principal
from stationmaster.infra.db.database import Database
from stationmaster.infra.runtime import Runtime
from stationmaster.realtime.feeds import EVERYTHING
from stationmaster.realtime.server import Viewer


class Viewers:
    """realtime.server.Authenticate."""

    def __init__(self, database: Database, runtime: Runtime):
        self._database, self._clock = database, runtime.clock

    async def authenticate(self, environ: Mapping[str, Any], auth: Mapping[str, Any] | None) -> Viewer | None:
        """By `auth.token` (a bearer secret) or the browser's cookie."""
        secret = str((auth or {}).get("token") or "") or _cookie(environ)
        if not secret:
            return None
        async with self._database.reading() as reader:
            who = await logins.authenticate(reader, secret=secret, now=self._clock.now())
        return None if who is None else Viewer(who.person_id, rooms_of(who))


def rooms_of(who: Principal) -> tuple[str, ...]:
    """The server decides: drivers hear their own, operators their organisation's, the platform everything."""
    if who.kind == "driver":
        return (f"driver:{who.person_id}",)
    return (EVERYTHING,) if who.organisation_id is None else (f"org:{who.organisation_id}",)


def _cookie(environ: Mapping[str, Any]) -> str:
    try:
        found = SimpleCookie(environ.get("HTTP_COOKIE", "")).get(COOKIE)
    except CookieError:
        return ""
    return found.value if found else ""
