"""What does the gateway need from others? A directory of stations, a place on disk for frames, and nothing
more.

The directory is a call in one composition and internal REST in the other; the spool is a file of this
machine.
"""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from stationmaster.infra.bus.port import Message


class StationRecord(msgspec.Struct, rename="camel", omit_defaults=True, kw_only=True, frozen=True):
    """What a gateway must know of a station to admit it, also while the backend is away."""

    station_id: str
    charger_id: str
    security_profile: int = 1
    key_digest: str | None = None  # contracts.credentials.digest of the password; None for profile 0
    pepper_id: str = ""  # which of the gateway's peppers made the digest
    is_archived: bool = False
    capture: bool = False  # log its Heartbeats like any other call
    epoch: int = 0  # of the newest link the directory has heard of, where it knows
    id_tokens: list[str] = []  # operators' idTokens that may start here while the backend is away


class RefusedHandshake(msgspec.Struct, rename="camel", omit_defaults=True, kw_only=True):
    """Somebody was not let in: ``count`` times for this reason, last at ``at`` (RFC 3339)."""

    station_id: str  # as claimed, cleaned
    remote_address: str
    reason: str
    detail: str = ""
    gateway_id: str = ""
    count: int = 1
    at: str


class StationDirectory(Protocol):
    """Who may connect? Every method raises Unavailable when the answer cannot be had now."""

    async def lookup(self, identity: str) -> StationRecord | None:
        """None: there is no such station (certain)."""
        ...

    async def register_gateway(self, gateway_id: str) -> int:
        """This gateway's number, 1..4095; the same for the same id, always."""
        ...

    async def lease_transaction_ids(self, gateway_id: str, count: int) -> list[int]:
        """Wire ids that nobody else will ever use."""
        ...

    async def refused(self, handshakes: list[RefusedHandshake]) -> None:
        """Show them to operators."""
        ...


class Spool(Protocol):
    """Frames that the bus did not confirm wait here, on disk, oldest first (architecture 3.3).

    ``station_id`` goes with each message, because a station with something in the spool keeps spooling until
    it is drained.
    """

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    @property
    def depth(self) -> int:
        """How many messages wait."""
        ...

    @property
    def is_full(self) -> bool:
        """Would the next append be refused (bytes or age)?"""
        ...

    async def append(self, messages: Sequence[tuple[str, Message]]) -> None:
        """Durable when it returns, in this order. Raises Unavailable when full or failing: then none of them
        is in.
        """
        ...

    async def oldest(self, limit: int) -> list[tuple[int, str, Message]]:
        """(key, station_id, message), oldest first, without taking them away."""
        ...

    async def remove(self, keys: Sequence[int]) -> None:
        """They are confirmed elsewhere."""
        ...

    async def stations(self) -> dict[str, int]:
        """How many messages wait per station (asked at start)."""
        ...
