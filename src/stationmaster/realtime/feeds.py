"""Which browsers hear a fact, and what they get (mission R131-R137, K12)."""

from typing import Any

import msgspec

from stationmaster.contracts import facts
from stationmaster.contracts.facts import Fact

# What anybody who looks at a charger may know, drivers included.
PUBLIC_OF_STATION = frozenset({facts.CHARGER_STATUS_CHANGED})
EVERYTHING = "all"


def rooms_of(fact: Fact) -> list[str]:
    """The rooms a fact goes to: the platform, its organisation, its driver; a station's status also to its watchers."""
    rooms = [EVERYTHING]
    if fact.organisation_id:
        rooms.append(f"org:{fact.organisation_id}")
    if fact.driver_id:
        rooms.append(f"driver:{fact.driver_id}")
    if fact.station_id and fact.type in PUBLIC_OF_STATION:
        rooms.append(f"station:{fact.station_id}")
    return rooms


def body_of(fact: Fact) -> dict[str, Any]:
    """The event's body: version, sequence and time first, then whom it concerns, then its own content."""
    return {
        "version": fact.version,
        "id": fact.id,
        "type": fact.type,
        "at": fact.at,
        "sequence": fact.sequence,
        "stationId": fact.station_id,
        "connectorId": fact.connector_id,
        "sessionId": fact.session_id,
        "data": msgspec.json.decode(fact.data),
    }
