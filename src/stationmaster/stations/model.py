"""What a charging station, a connector, a command is: frozen values, no I/O."""

from dataclasses import dataclass
from datetime import datetime

FINAL_STATES = ("accepted", "rejected", "failed", "timed_out", "offline", "expired")


@dataclass(frozen=True, slots=True)
class Station:
    """A registered charging station, as stored."""

    station_id: str
    charger_id: str
    organisation_id: str
    name: str
    site: str
    timezone: str
    security_profile: int
    vendor: str
    model: str
    serial_number: str
    firmware_version: str
    connector_count: int
    max_power_w: int
    tariff_id: str | None
    is_online: bool
    gateway_id: str
    epoch: int
    connected_at: datetime | None
    disconnected_at: datetime | None
    last_seen_at: datetime | None
    last_boot_at: datetime | None
    boot_reason: str
    archived_at: datetime | None
    version: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Connector:
    """One connector's last known status; connector 0 is the station itself."""

    station_id: str
    connector_id: int
    status: str
    error_code: str
    info: str
    vendor_error_code: str
    status_at: datetime | None
    version: int


@dataclass(frozen=True, slots=True)
class Command:
    """A command to a station, from the asking to its one outcome."""

    id: str
    station_id: str
    organisation_id: str
    action: str
    payload: str
    state: str
    status: str
    answer: str | None
    error: str
    session_id: str | None
    actor: str
    gateway_id: str
    epoch: int
    created_at: datetime
    deadline_at: datetime
    sent_at: datetime | None
    finished_at: datetime | None
    version: int


@dataclass(frozen=True, slots=True)
class StatusChange:
    """What a StatusNotification said; (epoch, seq) is its place in the station's history."""

    station_id: str
    connector_id: int
    status: str
    at: datetime
    epoch: int
    seq: int
    error_code: str = "NoError"
    info: str = ""
    vendor_error_code: str = ""

    @property
    def place(self) -> tuple[int, int]:
        return (self.epoch, self.seq)


@dataclass(frozen=True, slots=True)
class Boot:
    """What a BootNotification said."""

    station_id: str
    epoch: int
    seq: int
    at: datetime
    vendor: str = ""
    model: str = ""
    serial_number: str = ""
    firmware_version: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class LinkEvent:
    """A link of a station began or ended."""

    station_id: str
    epoch: int
    gateway_id: str
    at: datetime
    remote_address: str = ""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A handshake that a gateway turned away."""

    station_id: str
    remote_address: str
    reason: str
    at: datetime
    detail: str = ""
    gateway_id: str = ""
    count: int = 1


@dataclass(frozen=True, slots=True)
class DirectoryEntry:
    """What a gateway must know of a station before it lets it in."""

    station_id: str
    charger_id: str
    security_profile: int
    key_digest: str | None
    is_archived: bool
    capture: bool
    epoch: int
    id_tokens: list[str]
