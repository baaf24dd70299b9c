"""The station directory as a direct call: for a gateway that runs beside the database's owner."""

from datetime import datetime

import msgspec

from stationmaster.gateway.ports import RefusedHandshake, StationRecord
from stationmaster.infra.db.database import Database
from stationmaster.infra.runtime import Runtime
from stationmaster.stations import directory
from stationmaster.stations.model import Refusal


class DirectDirectory:
    """gateway.ports.StationDirectory over the stations room."""

    def __init__(self, database: Database, runtime: Runtime):
        self._database, self._clock = database, runtime.clock

    async def lookup(self, identity: str) -> StationRecord | None:
        async with self._database.reading() as reader:
            entry = await directory.lookup(reader, identity, now=self._clock.now())
        return None if entry is None else msgspec.convert(entry, StationRecord, from_attributes=True)

    async def register_gateway(self, gateway_id: str) -> int:
        async with self._database.transaction() as uow:
            return await directory.register_gateway(uow, gateway_id=gateway_id, now=self._clock.now())

    async def lease_transaction_ids(self, gateway_id: str, count: int) -> list[int]:  # noqa: ARG002 - the port's
        async with self._database.transaction() as uow:
            return await directory.lease_transaction_ids(uow, count=count)

    async def refused(self, handshakes: list[RefusedHandshake]) -> None:
        refusals = [
            Refusal(
                h.station_id,
                h.remote_address,
                h.reason,
                datetime.fromisoformat(h.at),
                h.detail,
                h.gateway_id,
                h.count,
            )
            for h in handshakes
        ]
        async with self._database.transaction() as uow:
            await directory.refused(uow, refusals)
