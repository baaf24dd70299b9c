"""What this room tells the world, in the words of contracts.facts and of the sources (mission R63,
R131-R135).

A fact's id is its session, version and type, so that a fact told twice is recognisably the same one.
"""

from datetime import datetime
from typing import Any

import msgspec

from stationmaster.charging.model import Session
from stationmaster.contracts.facts import (
    CHARGING_STARTED,
    CHARGING_STOPPED,
    ERROR_OCCURRED,
    METER_VALUES_UPDATED,
    REMOTE_START_ACCEPTED,
    REMOTE_STOP_ACCEPTED,
    SESSION_UPDATED,
    TRANSACTION_COMPLETED,
    Fact,
)
from stationmaster.kernel.clock import isoformat_z

_encode = msgspec.json.Encoder().encode


def _fact(session: Session, type_: str, at: datetime, data: dict[str, Any]) -> Fact:
    return Fact(
        id=f"session:{session.id}:{session.version}:{type_}",
        type=type_,
        at=isoformat_z(at),
        sequence=session.version,
        organisation_id=session.organisation_id,
        station_id=session.station_id,
        connector_id=session.connector_id,
        session_id=session.id,
        driver_id=session.driver_id,
        data=msgspec.Raw(_encode(data)),
    )


def _time(at: datetime | None) -> str | None:
    return None if at is None else isoformat_z(at)


def session_updated(session: Session, *, at: datetime, **more: Any) -> Fact:
    """Everything a list or a detail screen shows of a session that can change."""
    data = {
        "state": str(session.state),
        "subReason": session.sub_reason,
        "transactionId": session.transaction_id,
        "startedAt": _time(session.started_at),
        "endedAt": _time(session.ended_at),
        "settledAt": _time(session.settled_at),
        "energyWh": session.energy_wh,
        "costMinor": session.cost_minor,
        "currency": session.currency,
        "holdMinor": session.hold_amount_minor,
        "payerKind": session.payer_kind,
        "startedBy": session.started_by,
        "isSuspect": session.is_suspect,
        "version": session.version,
        **more,
    }
    return _fact(session, SESSION_UPDATED, at, data)


def start_accepted(session: Session, *, at: datetime) -> Fact:
    return _fact(
        session, REMOTE_START_ACCEPTED, at, {"sessionId": session.id, "deviceId": session.station_id}
    )


def stop_accepted(session: Session, *, at: datetime, id_: str) -> Fact:
    """``id_``: of the command; the session itself did not change."""
    data = {"sessionId": session.id, "deviceId": session.station_id, "commandId": id_}
    fact = _fact(session, REMOTE_STOP_ACCEPTED, at, data)
    fact.id = f"{fact.id}:{id_}"
    return fact


def _event(session: Session, type_: str, amount_minor: int) -> dict[str, Any]:
    """The charging event of the sources."""
    return {
        "type": type_,
        "sessionId": session.id,
        "customerId": session.driver_id,
        "deviceId": session.station_id,
        "connectorId": session.connector_id,
        "transactionId": session.transaction_id,
        "amount": amount_minor,
        "currency": session.currency,
    }


def charging_started(session: Session, *, at: datetime) -> Fact:
    data = _event(session, CHARGING_STARTED, session.hold_amount_minor)
    return _fact(session, CHARGING_STARTED, at, data)


def charging_stopped(session: Session, *, at: datetime) -> Fact:
    """``refundAmount`` is what returned to the wallet from this session's own hold."""
    data = _event(session, CHARGING_STOPPED, session.hold_amount_minor) | {
        "energyConsumed": session.energy_wh,
        "finalAmount": session.cost_minor,
        "refundAmount": session.released_minor,
        "stopReason": session.stop_reason,
        "state": str(session.state),
    }
    return _fact(session, CHARGING_STOPPED, at, data)


def transaction_completed(session: Session, *, at: datetime) -> Fact:
    """The receipt's figures, for integrations and roll-ups."""
    data = {
        "transactionId": session.transaction_id,
        "state": str(session.state),
        "startedAt": _time(session.started_at),
        "endedAt": _time(session.ended_at),
        "energyWh": session.energy_wh,
        "costMinor": session.cost_minor,
        "capturedMinor": session.captured_minor,
        "overrunMinor": session.overrun_minor,
        "releasedMinor": session.released_minor,
        "feeMinor": session.fee_minor,
        "organisationMinor": session.organisation_minor,
        "taxMinor": session.tax_minor,
        "currency": session.currency,
        "payerKind": session.payer_kind,
        "stopReason": session.stop_reason,
        "isSuspect": session.is_suspect,
        "isProvisional": session.is_provisional,
    }
    return _fact(session, TRANSACTION_COMPLETED, at, data)


def error_occurred(session: Session, *, at: datetime, code: str, message: str) -> Fact:
    data = {"code": code, "message": message, "state": str(session.state), "subReason": session.sub_reason}
    fact = _fact(session, ERROR_OCCURRED, at, data)
    fact.id = f"{fact.id}:{code}:{at.timestamp()}"
    return fact


def station_error(
    *,
    id_: str,
    station_id: str,
    organisation_id: str | None,
    at: datetime,
    code: str,
    message: str,
    **more: Any,
) -> Fact:
    """Trouble at a station that concerns no session of ours."""
    return Fact(
        id=id_,
        type=ERROR_OCCURRED,
        at=isoformat_z(at),
        organisation_id=organisation_id,
        station_id=station_id,
        data=msgspec.Raw(_encode({"code": code, "message": message, **more})),
    )


def meter_values_updated(
    *,
    session_id: str,
    version: int,
    organisation_id: str,
    driver_id: str | None,
    station_id: str,
    connector_id: int,
    energy_wh: int,
    power_w: float | None,
    soc_percent: float | None,
    cost_minor: int,
    currency: str,
    at: datetime,
) -> Fact:
    """A losable hint: the next one, or the session's row, says it again."""
    told_at = isoformat_z(at)
    data = {
        "energyWh": energy_wh,
        "powerW": power_w,
        "socPercent": soc_percent,
        "costMinor": cost_minor,
        "currency": currency,
        "at": told_at,
    }
    return Fact(
        id=f"meter:{session_id}:{version}",
        type=METER_VALUES_UPDATED,
        at=told_at,
        sequence=version,
        organisation_id=organisation_id,
        station_id=station_id,
        connector_id=connector_id,
        session_id=session_id,
        driver_id=driver_id,
        data=msgspec.Raw(_encode(data)),
    )
