"""Which idTokens may start a charge here while the backend is away?

One-time tokens are bound to station, connector and time; remembered ones are the backend's own accepted
answers. Both survive a restart of the gateway: it may come back before the backend does.
"""

from datetime import datetime, timedelta

from stationmaster.gateway.offline import Known
from stationmaster.gateway.options import OfflinePolicy
from stationmaster.gateway.ports import StationRecord
from stationmaster.infra.records import RecordFile
from stationmaster.infra.runtime import Runtime
from stationmaster.kernel.errors import Unavailable

SPACE = "token"
GRACE = timedelta(minutes=5)
"""A cable is plugged in some minutes after the start was asked for."""

TOKENS_MAX = 50_000


class IdTokens:
    """In memory, copied to disk in the background."""

    def __init__(self, policy: OfflinePolicy, file: RecordFile, runtime: Runtime):
        self._policy, self._file, self._runtime = policy, file, runtime
        self._until: dict[str, float] = {}

    async def load(self) -> None:
        now = self._runtime.clock.now().timestamp()
        await self._file.forget(SPACE, before=now)
        for key, value in (await self._file.load(SPACE)).items():
            self._until[key] = float(value)

    def tell_one_time(self, station_id: str, id_token: str, connector_id: int, until: datetime) -> None:
        """``connector_id`` 0: any connector of the station."""
        if id_token:
            self._keep(_one_time(station_id, id_token, connector_id), (until + GRACE).timestamp())

    def remember(self, station_id: str, id_token: str) -> None:
        """At this station only: at another organisation's the same card may open nothing."""
        if id_token:
            until = self._runtime.clock.now().timestamp() + self._policy.remember_s
            self._keep(_remembered(station_id, id_token), until)

    def known(self, record: StationRecord, id_token: str, connector_id: int) -> Known:
        """idTags are compared without case (OCPP 1.6, 7.28: CiString20Type)."""
        if not id_token:
            return Known.UNKNOWN
        here = record.station_id
        connectors = {0, connector_id} if connector_id else None
        if self._has_one_time(here, id_token, connectors):
            return Known.ONE_TIME
        if id_token.casefold() in {token.casefold() for token in record.id_tokens}:
            return Known.OPERATOR
        return Known.REMEMBERED if self._is_valid(_remembered(here, id_token)) else Known.UNKNOWN

    def _has_one_time(self, station_id: str, id_token: str, connectors: set[int] | None) -> bool:
        """An Authorize names no connector: then any will do."""
        if connectors is not None:
            return any(self._is_valid(_one_time(station_id, id_token, each)) for each in connectors)
        prefix = _one_time(station_id, id_token, 0)[:-1]
        return any(key.startswith(prefix) and self._is_valid(key) for key in self._until)

    def _is_valid(self, key: str) -> bool:
        until = self._until.get(key)
        return until is not None and until > self._runtime.clock.now().timestamp()

    def _keep(self, key: str, until: float) -> None:
        self._until.pop(key, None)
        self._until[key] = until
        if len(self._until) > TOKENS_MAX:
            del self._until[next(iter(self._until))]
        _ = self._runtime.spawn(self._write(key, until), name="gateway:token")

    async def _write(self, key: str, until: float) -> None:
        try:
            await self._file.put(SPACE, {key: repr(until).encode()}, at=until)
        except Unavailable:
            return


def _one_time(station_id: str, id_token: str, connector_id: int) -> str:
    return f"1:{station_id}\n{id_token.casefold()}\n{connector_id}"


def _remembered(station_id: str, id_token: str) -> str:
    return f"r:{station_id}:{id_token.casefold()}"
