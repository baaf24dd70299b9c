"""What this room tells the world, in the words of contracts.facts.

A fact's id is its entity and version, so that a fact told twice is recognisably the same one.
"""

from datetime import datetime
from typing import Any

import msgspec

from stationmaster.contracts.facts import CHARGER_BOOTED, CHARGER_STATUS_CHANGED, COMMAND_UPDATED, Fact
from stationmaster.kernel.clock import isoformat_z
from stationmaster.stations.model import Boot, Command, StatusChange


def _raw(data: dict[str, Any]) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(data))


def status_changed(change: StatusChange, *, organisation_id: str, is_online: bool, version: int) -> Fact:
    """A connector's status, as the station reported it."""
    data = {
        "status": change.status,
        "errorCode": change.error_code,
        "info": change.info,
        "isOnline": is_online,
        "statusAt": isoformat_z(change.at),
    }
    return Fact(
        id=f"status:{change.station_id}:{change.connector_id}:{version}",
        type=CHARGER_STATUS_CHANGED,
        at=isoformat_z(change.at),
        sequence=version,
        organisation_id=organisation_id,
        station_id=change.station_id,
        connector_id=change.connector_id,
        data=_raw(data),
    )


def presence_changed(
    station_id: str, *, organisation_id: str, is_online: bool, status: str, at: datetime, version: int
) -> Fact:
    """The station came or went. Told as connector 0, the station itself, with its last known status."""
    data = {
        "status": status if is_online else "Unavailable",
        "errorCode": "NoError",
        "info": "",
        "isOnline": is_online,
        "statusAt": isoformat_z(at),
    }
    return Fact(
        id=f"presence:{station_id}:{version}",
        type=CHARGER_STATUS_CHANGED,
        at=isoformat_z(at),
        sequence=version,
        organisation_id=organisation_id,
        station_id=station_id,
        connector_id=0,
        data=_raw(data),
    )


def booted(boot: Boot, *, organisation_id: str, version: int) -> Fact:
    data = {
        "vendor": boot.vendor,
        "model": boot.model,
        "serialNumber": boot.serial_number,
        "firmwareVersion": boot.firmware_version,
        "reason": boot.reason,
    }
    return Fact(
        id=f"boot:{boot.station_id}:{version}",
        type=CHARGER_BOOTED,
        at=isoformat_z(boot.at),
        sequence=version,
        organisation_id=organisation_id,
        station_id=boot.station_id,
        data=_raw(data),
    )


def command_updated(command: Command, *, at: datetime) -> Fact:
    connector_id = connector_of(command.payload)
    data = {
        "commandId": command.id,
        "action": command.action,
        "state": command.state,
        "status": command.status,
        "error": command.error,
        "connectorId": connector_id,
    }
    return Fact(
        id=f"command:{command.id}:{command.version}",
        type=COMMAND_UPDATED,
        at=isoformat_z(at),
        sequence=command.version,
        organisation_id=command.organisation_id,
        station_id=command.station_id,
        connector_id=connector_id,
        session_id=command.session_id,
        data=_raw(data),
    )


class _ConnectorOf(msgspec.Struct):
    connectorId: int | None = None  # noqa: N815 - the wire's name


def connector_of(payload: str | bytes) -> int | None:
    """Which connector a command's payload speaks of, where it names one."""
    try:
        return msgspec.json.decode(payload, type=_ConnectorOf).connectorId
    except msgspec.MsgspecError:
        return None
