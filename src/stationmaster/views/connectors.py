"""What is going on at each connector of these stations? For every screen that shows stations.

Two statements for any number of stations: the connectors, and the sessions that are not over.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row, func, select

from stationmaster.charging.model import LIVE
from stationmaster.charging.tables import charging_session
from stationmaster.identity.tables import person
from stationmaster.infra.db.among import among
from stationmaster.infra.db.database import Reader
from stationmaster.infra.http.wire import Wire, WireTime
from stationmaster.stations.tables import connector, station

UNKNOWN: Final = "Unknown"
UNAVAILABLE: Final = "Unavailable"
_LIVE: Final = frozenset(str(state) for state in LIVE)

DRIVER_NAME: Final = func.coalesce(func.nullif(person.c.name, ""), person.c.email).label("driver_name")

# The part of a station that every screen shows.
STATION: Final = (
    station.c.station_id,
    station.c.name,
    station.c.site,
    station.c.vendor,
    station.c.model,
    station.c.is_online,
    station.c.last_seen_at,
    station.c.connected_at,
    station.c.disconnected_at,
    station.c.version,
    station.c.connector_count,
)


class LiveSession(Wire):
    """A session that is not over, as it stands. ``power_w`` null: not known right now."""

    session_id: str
    state: str
    sub_reason: str
    started_at: WireTime | None
    created_at: WireTime
    energy_wh: int
    cost_minor: int
    currency: str
    power_w: float | None
    soc_percent: float | None
    driver_name: str | None
    payer_kind: str
    started_by: str
    version: int


@dataclass(frozen=True, slots=True)
class Standing:
    """A connector with its open sessions, the one that occupies it first."""

    connector_id: int
    is_online: bool
    reported: Row[Any] | None  # None: the station never spoke of it
    sessions: list[Row[Any]]

    @property
    def status(self) -> str:
        """What an offline station said last is not what is."""
        if not self.is_online:
            return UNAVAILABLE
        return self.reported.status if self.reported else UNKNOWN

    @property
    def error_code(self) -> str:
        return self.reported.error_code if self.reported else "NoError"

    @property
    def info(self) -> str:
        return self.reported.info if self.reported else ""

    @property
    def status_at(self) -> datetime | None:
        return self.reported.status_at if self.reported else None

    @property
    def version(self) -> int:
        return self.reported.version if self.reported else 0

    def live(self, session: Row[Any] | None) -> LiveSession | None:
        """The session as shown: nobody knows what an offline station delivers."""
        if session is None:
            return None
        shown = LiveSession.model_validate(session)
        return shown if self.is_online else shown.model_copy(update={"power_w": None})

    def figure(self, name: str, session: Row[Any] | None) -> float | None:
        """The session's, or what the connector reported without one; nothing while offline."""
        if not self.is_online:
            return None
        told = getattr(session, name) if session is not None else None
        return told if told is not None else getattr(self.reported, name, None)


async def standing(reader: Reader, stations: Sequence[Row[Any]]) -> dict[str, list[Standing]]:
    """By station, its connectors ascending: those reported, those it should have, those in a session."""
    ids = [row.station_id for row in stations]
    if not ids:
        return {}
    reported = {(r.station_id, r.connector_id): r for r in (await reader.execute(_connectors(ids))).all()}
    sessions: dict[tuple[str, int], list[Row[Any]]] = {}
    for row in (await reader.execute(_open_sessions(ids))).all():
        sessions.setdefault((row.station_id, row.connector_id), []).append(row)
    known: dict[str, set[int]] = {row.station_id: set(range(1, row.connector_count + 1)) for row in stations}
    for station_id, connector_id in [*reported, *sessions]:
        known[station_id].add(connector_id)
    return {
        row.station_id: [
            Standing(
                connector_id=n,
                is_online=row.is_online,
                reported=reported.get((row.station_id, n)),
                sessions=sorted(sessions.get((row.station_id, n), []), key=_rank, reverse=True),
            )
            for n in sorted(known[row.station_id])
        ]
        for row in stations
    }


def _rank(session: Row[Any]) -> tuple[bool, datetime, str]:
    """What occupies the connector, before what is only investigated; newer before older."""
    return session.state in _LIVE, session.created_at, session.session_id


def _connectors(station_ids: list[str]) -> Any:
    """Connector 0 is the station itself."""
    t = connector.c
    columns = (t.station_id, t.connector_id, t.status, t.error_code, t.info, t.status_at, t.version)
    here = among(t.station_id, station_ids)
    return select(*columns, t.power_w, t.soc_percent).where(here, t.connector_id >= 1)


def _open_sessions(station_ids: list[str]) -> Any:
    t = charging_session.c
    return (
        select(
            t.id.label("session_id"),
            *(t.station_id, t.connector_id, t.state, t.sub_reason, t.started_at, t.created_at, t.energy_wh),
            *(t.cost_minor, t.currency, t.power_w, t.soc_percent, t.payer_kind, t.started_by, t.version),
            t.driver_id,
            DRIVER_NAME,
        )
        .outerjoin(person, person.c.id == t.driver_id)
        .where(among(t.station_id, station_ids), t.settled_at.is_(None), t.connector_id >= 1)
    )
