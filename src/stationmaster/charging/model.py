"""What a charging session, its payer, a transaction and a meter reading are: frozen values, no I/O."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class State(StrEnum):
    """Where a session stands (reliability 5.1). Terminal means settled."""

    PENDING = "PENDING"  # hold placed, start command on its way
    STARTING = "STARTING"  # the station accepted, its transaction is awaited
    ONGOING = "ONGOING"
    STOPPING = "STOPPING"
    ORPHANED = "ORPHANED"  # a transaction that nobody pays for, under investigation
    GHOST = "GHOST"  # open with us, gone at the station, under investigation
    COMPLETED = "COMPLETED"
    TERMINATED = "TERMINATED"
    FAILED = "FAILED"  # there never was a transaction

    @property
    def is_terminal(self) -> bool:
        return self in TERMINAL


TERMINAL = frozenset({State.COMPLETED, State.TERMINATED, State.FAILED})
OPEN = frozenset(State) - TERMINAL
LIVE = frozenset({State.PENDING, State.STARTING, State.ONGOING, State.STOPPING})
"""Only one of these at a time per connector (a unique index says so)."""
DELIVERING = frozenset({State.ONGOING, State.STOPPING, State.ORPHANED, State.GHOST})
"""A transaction is, or may be, running: its meter values count."""


class PayerKind(StrEnum):
    WALLET = "wallet"
    ORGANISATION = "organisation"
    FREE = "free"
    NOBODY = "nobody"  # an orphan: never booked to a guessed driver


@dataclass(frozen=True, slots=True)
class Payer:
    """Who pays. A free charge says why; an organisation may pay at another one's station."""

    kind: PayerKind
    driver_id: str | None = None
    organisation_id: str | None = None
    reason: str = ""

    @staticmethod
    def wallet(driver_id: str) -> "Payer":
        return Payer(PayerKind.WALLET, driver_id=driver_id)

    @staticmethod
    def organisation(organisation_id: str, driver_id: str | None = None) -> "Payer":
        return Payer(PayerKind.ORGANISATION, driver_id=driver_id, organisation_id=organisation_id)

    @staticmethod
    def free(reason: str, driver_id: str | None = None) -> "Payer":
        return Payer(PayerKind.FREE, driver_id=driver_id, reason=reason)

    @staticmethod
    def nobody(reason: str) -> "Payer":
        return Payer(PayerKind.NOBODY, reason=reason)


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """Our record from intent to receipt, as stored. Change it with ``dataclasses.replace``."""

    id: str
    organisation_id: str
    station_id: str
    connector_id: int
    payer_kind: str
    started_by: str
    actor: str
    id_token: str
    state: State
    created_at: datetime
    driver_id: str | None = None
    payer_organisation_id: str | None = None
    payer_reason: str = ""
    one_time_token: str | None = None
    sub_reason: str = ""
    tariff_version_id: str | None = None
    price_minor_per_kwh: int = 0
    tax_bps: int = 0
    fee_bps: int = 1000
    currency: str = "INR"
    hold_amount_minor: int = 0
    hold_generation: int = 0
    limit_energy_wh: int | None = None
    transaction_id: int | None = None
    meter_start_wh: int | None = None
    meter_last_wh: int | None = None
    meter_last_at: datetime | None = None
    meter_stop_wh: int | None = None
    energy_wh: int = 0
    power_w: float | None = None
    soc_percent: float | None = None
    cost_minor: int = 0
    captured_minor: int = 0
    overrun_minor: int = 0
    released_minor: int = 0
    fee_minor: int = 0
    organisation_minor: int = 0
    tax_minor: int = 0
    is_suspect: bool = False
    is_provisional: bool = False
    suspect_reason: str = ""
    stop_reason: str = ""
    start_deadline_at: datetime | None = None
    started_at: datetime | None = None
    stop_requested_at: datetime | None = None
    stop_attempts: int = 0
    ended_at: datetime | None = None
    settled_at: datetime | None = None
    version: int = 0

    @property
    def held_minor(self) -> int:
        """Money set aside for it right now; nothing for free, organisation and unfunded ones."""
        return 0 if self.hold_generation == 0 or self.state.is_terminal else self.hold_amount_minor


@dataclass(frozen=True, slots=True)
class Transaction:
    """OCPP's transaction, as the station was told (or would have been)."""

    transaction_id: int
    station_id: str
    connector_id: int
    session_id: str
    id_token: str
    meter_start_wh: int | None
    started_at: datetime
    received_at: datetime
    fingerprint: str
    answer: str
    stop_fingerprint: str | None
    stopped_at: datetime | None
    meter_stop_wh: int | None
    stop_reason: str | None
    stop_id_token: str | None


@dataclass(frozen=True, slots=True)
class SampledValue:
    """One value as a station sent it; the defaults are the standard's (OCPP 1.6, 7.43)."""

    value: str | int | float
    measurand: str = "Energy.Active.Import.Register"
    unit: str | None = None
    phase: str | None = None
    context: str = "Sample.Periodic"
    format: str = "Raw"
    location: str = "Outlet"


@dataclass(frozen=True, slots=True)
class MeterReading:
    """What one MeterValue means to us: a time, and what of our three quantities it told."""

    at: datetime
    energy_wh: int | None = None
    power_w: float | None = None
    soc_percent: float | None = None
    context: str = "Sample.Periodic"

    @property
    def is_empty(self) -> bool:
        return self.energy_wh is None and self.power_w is None and self.soc_percent is None


@dataclass(frozen=True, slots=True)
class MeterValue:
    """One MeterValue on its way into the store: the reading and the samples as sent (JSON)."""

    reading: MeterReading
    samples: str


@dataclass(frozen=True, slots=True)
class MeterReport:
    """A MeterValues message; ``transaction_id`` None where the station named none."""

    station_id: str
    connector_id: int
    transaction_id: int | None
    epoch: int
    seq: int
    values: list[MeterValue]
    is_late: bool = False  # stored, but last values do not move backwards


@dataclass(frozen=True, slots=True)
class Start:
    """A transaction that a station says has begun."""

    station_id: str
    connector_id: int
    id_token: str
    meter_start_wh: int | None
    device_at: datetime | None  # None: the station's clock said nothing usable
    received_at: datetime
    fingerprint: str
    proposed_transaction_id: int | None = None
    is_late: bool = False
    given: "Given | None" = None
    flags: tuple[str, ...] = ()
    epoch: int = 0
    seq: int = 0


@dataclass(frozen=True, slots=True)
class Begun:
    """What became of a Start. ``answer`` is the payload for the station, byte for byte the same for a repeat;
    ``kept_stops``: stops of this transaction that came before it."""

    transaction_id: int
    answer: bytes
    is_repeat: bool = False
    kept_stops: tuple["KeptStop", ...] = ()


@dataclass(frozen=True, slots=True)
class KeptStop:
    """A stop that fitted nothing when it came; the payload as sent."""

    id: int
    station_id: str
    payload: bytes
    epoch: int
    seq: int
    received_at: datetime


@dataclass(frozen=True, slots=True)
class Given:
    """What a gateway has already told the station by its offline policy."""

    transaction_id: int
    status: str
    answer: bytes


@dataclass(frozen=True, slots=True)
class Stop:
    """A transaction that a station says has ended."""

    station_id: str
    transaction_id: int
    meter_stop_wh: int | None
    device_at: datetime | None
    received_at: datetime
    epoch: int
    seq: int
    payload: str
    fingerprint: str
    reason: str = "Local"  # the standard's default (OCPP 1.6, 6.49)
    id_token: str | None = None
    values: tuple[MeterValue, ...] = ()


class Verdict(StrEnum):
    """What a station is told about an idToken; OCPP's own words."""

    ACCEPTED = "Accepted"
    BLOCKED = "Blocked"
    EXPIRED = "Expired"
    INVALID = "Invalid"
    CONCURRENT = "ConcurrentTx"


@dataclass(frozen=True, slots=True)
class ChargingPolicy:
    """The room's settings; every bound carries its unit."""

    command_deadline_s: int = 30  # a start is never queued for longer: the driver has walked away
    start_deadline_s: int = 180  # ConnectionTimeOut 120 s and a minute of grace
    stop_deadline_s: int = 30
    stop_resend_s: int = 60
    stop_attempts_max: int = 3
    default_hold_minor: int = 20_000
    min_hold_minor: int = 1_000
    max_hold_minor: int = 10_000_000
    hold_expires_s: int = 8 * 24 * 3600  # longer than the longest investigation (7 days offline)
    default_meter_interval_s: int = 60
    max_meter_interval_s: int = 900
    warn_percent: int = 90
    fold_power_max_w: int = 400_000  # no car takes more: a step of the register beyond it is not believed
    device_time_slack_s: int = 24 * 3600
    allow_concurrent_tokens: bool = False


DEFAULT_POLICY = ChargingPolicy()


@dataclass(frozen=True, slots=True)
class Ending:
    """How a session ends; settlement turns it into money."""

    state: State
    ended_at: datetime
    energy_wh: int = 0
    sub_reason: str = ""
    stop_reason: str = ""
    meter_stop_wh: int | None = None
    is_provisional: bool = False
    suspect_reasons: list[str] = field(default_factory=list)
