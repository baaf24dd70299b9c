"""May a charge be started on this connector, for this much money?"""

from dataclasses import dataclass

from stationmaster.charging.model import ChargingPolicy, Payer, PayerKind
from stationmaster.kernel.errors import Invalid, NotFound, Refused, StationmasterError

READY = frozenset({"Available", "Preparing", "Finishing", "Unknown"})
"""Finishing: the last driver is unplugging. Unknown: the station has not told yet; it will refuse by
itself."""


@dataclass(frozen=True, slots=True)
class Situation:
    """All that the decision needs to know."""

    is_known: bool
    is_archived: bool
    is_online: bool
    has_connector: bool
    connector_status: str
    station_status: str  # of connector 0
    has_live_session: bool
    has_open_transaction: bool
    has_tariff: bool
    amount_minor: int | None
    limit_energy_wh: int | None


def may_start(situation: Situation, payer: Payer, policy: ChargingPolicy) -> StationmasterError | None:
    """None: yes. Otherwise why not, ready to be raised; the first reason a person can act on comes first."""
    return _where(situation) or _how_much(situation, payer, policy)


def _where(at: Situation) -> StationmasterError | None:
    if not at.is_known or at.is_archived:
        return NotFound("station_unknown", "There is no such charging station.")
    if not at.has_connector:
        return NotFound("connector_unknown", "The station has no such connector.")
    if not at.is_online:
        return Refused("station_offline", "The station is not connected.", hint="Try again when it is back.")
    if at.has_live_session or at.has_open_transaction:
        return Refused("connector_busy", "Somebody is already charging here.")
    for status in (at.station_status, at.connector_status):
        if status not in READY:
            return Refused("connector_not_ready", f"The connector reports {status}.", status_word=status)
    return None


def _how_much(at: Situation, payer: Payer, policy: ChargingPolicy) -> StationmasterError | None:
    if at.limit_energy_wh is not None and at.limit_energy_wh <= 0:
        return Invalid("bad_energy_limit", "An energy limit must be positive.")
    if payer.kind is PayerKind.FREE:
        return None if payer.reason.strip() else Invalid("free_needs_reason", "A free charge needs a reason.")
    if not at.has_tariff:
        return Refused(
            "tariff_missing", "The station has no tariff in force.", hint="Give it a tariff first."
        )
    if payer.kind is not PayerKind.WALLET:
        return None
    if at.amount_minor is None or not policy.min_hold_minor <= at.amount_minor <= policy.max_hold_minor:
        return Invalid(
            "bad_amount",
            "The amount is out of bounds.",
            min_minor=policy.min_hold_minor,
            max_minor=policy.max_hold_minor,
        )
    return None
