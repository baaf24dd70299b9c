"""How often did each station say that it is alive? Counted per minute; the only frames that are not stamped.

The counts are losable: they feed a number on a screen. A heartbeat costs no publish, no seq and no wait.
"""

from collections.abc import Callable
from datetime import datetime

from stationmaster.contracts.topology import Names
from stationmaster.gateway.publishing import Publishing
from stationmaster.gateway.stamping import HEARTBEATS_KEY, document, wire_time
from stationmaster.infra.bus.port import Message

STATIONS_PER_DOCUMENT = 1000


class Heartbeats:
    """Counters of the running minute."""

    def __init__(self, gateway_id: str, names: Names, publishing: Publishing, now: Callable[[], datetime]):
        self._gateway_id, self._names, self._publishing, self._now = gateway_id, names, publishing, now
        self._counts: dict[str, int] = {}

    def count(self, station_id: str) -> None:
        self._counts[station_id] = self._counts.get(station_id, 0) + 1

    def flush(self) -> None:
        """Publish what was counted and begin anew."""
        counts, self._counts = list(self._counts.items()), {}
        at = wire_time(self._now())
        for first in range(0, len(counts), STATIONS_PER_DOCUMENT):
            self._publish(
                dict(counts[first : first + STATIONS_PER_DOCUMENT]), at, first // STATIONS_PER_DOCUMENT
            )

    def _publish(self, counts: dict[str, int], at: str, part: int) -> None:
        content = {
            "kind": "heartbeats",
            "gatewayId": self._gateway_id,
            "minute": at[:16] + ":00Z",
            "counts": counts,
        }
        message = Message(
            self._names.ingress,
            HEARTBEATS_KEY,
            document(content),
            f"heartbeats:{self._gateway_id}:{at}:{part}",
        )
        self._publishing.send("", message, _ignore, may_spool=False)


def _ignore(_is_durable: bool) -> None:
    return
