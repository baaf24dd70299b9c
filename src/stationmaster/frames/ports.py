"""What the OCPP log asks of others: it is a stranger to the stations room."""

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from stationmaster.infra.db.database import Reader, UnitOfWork


class OrganisationsOf(Protocol):
    """Whom do these stations belong to? Unknown ones are left out."""

    async def __call__(self, reader: Reader, station_ids: set[str]) -> Mapping[str, str]: ...


class Seen(Protocol):
    """These stations were heard of, at these times."""

    async def __call__(self, uow: UnitOfWork, seen: Mapping[str, datetime]) -> None: ...


class SetCapture(Protocol):
    """Log a station's Heartbeats too until then (None: no longer). Raises NotFound, also for another
    organisation's station; ``organisation_id`` None sees all."""

    async def __call__(
        self, uow: UnitOfWork, *, station_id: str, until: datetime | None, organisation_id: str | None
    ) -> object: ...
