"""Is a station connected, and by which gateway? Moves forward only, by the link's epoch."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, select

from stationmaster.infra.db.among import among
from stationmaster.infra.db.database import UnitOfWork
from stationmaster.infra.db.values import columns_of, row_of, value_of
from stationmaster.stations import facts
from stationmaster.stations.model import LinkEvent
from stationmaster.stations.tables import connector, station


@dataclass(slots=True)
class _Presence:
    """A station row while the batch is folded into it."""

    is_online: bool
    gateway_id: str
    epoch: int
    connected_at: datetime | None
    disconnected_at: datetime | None
    version: int

    def opened(self, event: LinkEvent) -> bool:
        """A link that is not newer than what we know says nothing: it was heard of, or has ended."""
        if event.epoch <= self.epoch:
            return False
        self.is_online, self.gateway_id, self.epoch = True, event.gateway_id, event.epoch
        self.connected_at = event.at
        self.version += 1
        return True

    def closed(self, event: LinkEvent) -> bool:
        """Only the newest link's end takes the station offline."""
        if event.epoch < self.epoch or (event.epoch == self.epoch and not self.is_online):
            return False
        self.is_online, self.gateway_id, self.epoch = False, event.gateway_id, event.epoch
        self.disconnected_at = event.at
        self.version += 1
        return True


async def link_opened(uow: UnitOfWork, events: Sequence[LinkEvent]) -> None:
    """These stations connected."""
    await _fold(uow, [(event, True) for event in events])


async def link_closed(uow: UnitOfWork, events: Sequence[LinkEvent]) -> None:
    """These links ended."""
    await _fold(uow, [(event, False) for event in events])


async def _fold(uow: UnitOfWork, events: Sequence[tuple[LinkEvent, bool]]) -> None:
    loaded = await _locked(uow, {event.station_id for event, _ in events})
    changed: set[str] = set()
    for event, is_open in events:
        if event.station_id not in loaded:
            continue
        organisation_id, status, row = loaded[event.station_id]
        if row.opened(event) if is_open else row.closed(event):
            changed.add(event.station_id)
            uow.announce(
                facts.presence_changed(
                    event.station_id,
                    organisation_id=organisation_id,
                    is_online=row.is_online,
                    status=status,
                    at=event.at,
                    version=row.version,
                )
            )
    await _write(uow, {station_id: loaded[station_id][2] for station_id in changed})


async def _locked(uow: UnitOfWork, station_ids: Iterable[str]) -> dict[str, tuple[str, str, _Presence]]:
    """Organisation, the station's own last status, and its presence."""
    wanted = sorted(station_ids)
    if not wanted:
        return {}
    here = among(station.c.station_id, wanted)
    await uow.execute(uow.locked(select(station.c.station_id).where(here).order_by(station.c.station_id)))
    columns = columns_of(_Presence, station)
    itself = and_(connector.c.station_id == station.c.station_id, connector.c.connector_id == 0)
    rows = await uow.execute(
        select(station.c.station_id, station.c.organisation_id, connector.c.status, *columns)
        .select_from(station.outerjoin(connector, itself))
        .where(here)
    )
    return {
        row[0]: (row[1], row[2] or "Unknown", value_of(_Presence, row[3:])) for row in map(tuple, rows.all())
    }


async def _write(uow: UnitOfWork, changed: dict[str, _Presence]) -> None:
    if not changed:
        return
    rows = [{"station_id": station_id, **row_of(row)} for station_id, row in sorted(changed.items())]
    await uow.bulk_update(station, rows, key=("station_id",))
