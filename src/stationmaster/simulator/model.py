"""What does a station know of its connectors and of the transactions it ran?"""

from dataclasses import dataclass, field
from datetime import datetime

from stationmaster.simulator.power import Flow, Meter

AVAILABLE, PREPARING, CHARGING, FINISHING = "Available", "Preparing", "Charging", "Finishing"
SUSPENDED_EV, UNAVAILABLE, FAULTED = "SuspendedEV", "Unavailable", "Faulted"
NO_ERROR = "NoError"


@dataclass(slots=True)
class Transaction:
    """One transaction as its station saw it. ``id`` is None until the start is answered."""

    station_id: str
    connector_id: int
    id_token: str
    meter_start: int
    started_at: datetime
    is_remote: bool
    id: int | None = None
    meter_stop: int | None = None
    stopped_at: datetime | None = None
    reason: str = ""
    samples: int = 0
    stop_answered: bool = False

    @property
    def energy_wh(self) -> int | None:
        """None while it runs."""
        return None if self.meter_stop is None else self.meter_stop - self.meter_start


@dataclass(slots=True)
class Connector:
    """One socket. ``is_claimed`` from the moment somebody wants to charge until the plug is out."""

    id: int
    meter: Meter
    status: str = AVAILABLE
    error_code: str = NO_ERROR
    is_operative: bool = True
    is_claimed: bool = False
    transaction: Transaction | None = None
    flow: Flow | None = None

    @property
    def is_free(self) -> bool:
        """May a new charge begin here?"""
        return self.is_operative and not self.is_claimed and self.error_code == NO_ERROR

    @property
    def idle_status(self) -> str:
        """The status when nobody is plugged in."""
        if self.error_code != NO_ERROR:
            return FAULTED
        return AVAILABLE if self.is_operative else UNAVAILABLE


@dataclass(slots=True)
class Station:
    """All connectors, 1..n."""

    connectors: dict[int, Connector] = field(default_factory=dict)

    def free(self, connector_id: int | None) -> Connector | None:
        """The connector asked for, or any, if a charge may begin there."""
        wanted = [connector_id] if connector_id else list(self.connectors)
        return next(
            (self.connectors[n] for n in wanted if n in self.connectors and self.connectors[n].is_free), None
        )

    def with_transaction(self, transaction_id: int | None = None) -> list[Connector]:
        """Connectors that charge; of one transaction, or of any."""
        return [
            connector
            for connector in self.connectors.values()
            if connector.transaction is not None and transaction_id in (None, connector.transaction.id)
        ]
