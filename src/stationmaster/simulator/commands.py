"""What does a station do when the CSMS asks something of it?

One function per action (OCPP 1.6, 5); each returns the answer and what follows once the answer is out. An
action that is not here is answered by the CALLERROR NotImplemented.
"""

from collections.abc import Callable
from typing import Any, Final

import msgspec

from stationmaster.ocpp.frame import Call
from stationmaster.simulator import charging, messages
from stationmaster.simulator.cabinet import Cabinet
from stationmaster.simulator.configuration import ACCEPTED, REJECTED
from stationmaster.simulator.talk import Reaction

Restart = Callable[[str], None]


def react(cabinet: Cabinet, call: Call, *, restart: Restart) -> Reaction:
    """The reaction to any CALL."""
    if call.action == "Reset":
        return _reset(msgspec.json.decode(call.payload), restart)
    handler = _HANDLERS.get(call.action)
    if handler is None:
        return Reaction({}, error_code="NotImplemented")
    try:
        return handler(cabinet, msgspec.json.decode(call.payload))
    except (KeyError, TypeError, AttributeError):
        return Reaction({}, error_code="FormationViolation")


def _status(status: str, then: Callable[[], None] | None = None) -> Reaction:
    return Reaction({"status": status}, then=then)


def _reset(request: dict[str, Any], restart: Restart) -> Reaction:
    """Reset (5.14)."""
    kind = request.get("type")
    if kind not in {"Soft", "Hard"}:
        return Reaction({}, error_code="PropertyConstraintViolation")
    return _status(ACCEPTED, lambda: restart(f"{kind}Reset"))


def _remote_start(cabinet: Cabinet, request: dict[str, Any]) -> Reaction:
    """RemoteStartTransaction (5.11): a free connector is claimed at once, so that nobody gets it twice."""
    id_token: str = request["idTag"]
    connector = cabinet.station.free(request.get("connectorId"))
    if connector is None or cabinet.personality.rejects_remote_start:
        return _status(REJECTED)
    connector.is_claimed = True

    def then() -> None:
        cabinet.spawn(charging.plug_and_start(cabinet, connector, id_token, is_remote=True), "charge")

    return _status(ACCEPTED, then)


def _remote_stop(cabinet: Cabinet, request: dict[str, Any]) -> Reaction:
    """RemoteStopTransaction (5.12)."""
    charges = cabinet.station.with_transaction(request["transactionId"])
    if not charges:
        return _status(REJECTED)
    return _status(ACCEPTED, lambda: _stop(cabinet, charges[0].id, "Remote"))


def _stop(cabinet: Cabinet, connector_id: int, reason: str) -> None:
    charging.stop_and_unplug(cabinet, cabinet.station.connectors[connector_id], reason)


def _change_configuration(cabinet: Cabinet, request: dict[str, Any]) -> Reaction:
    """ChangeConfiguration (5.3)."""
    return _status(cabinet.configuration.change(request["key"], request["value"]))


def _get_configuration(cabinet: Cabinet, request: dict[str, Any]) -> Reaction:
    """GetConfiguration (5.8)."""
    return Reaction(cabinet.configuration.report(request.get("key", [])))


def _unlock(cabinet: Cabinet, request: dict[str, Any]) -> Reaction:
    """UnlockConnector (5.18): a running transaction is stopped first."""
    connector = cabinet.station.connectors.get(request["connectorId"])
    if connector is None:
        return _status("NotSupported")
    return _status("Unlocked", lambda: _stop(cabinet, connector.id, "UnlockCommand"))


def _change_availability(cabinet: Cabinet, request: dict[str, Any]) -> Reaction:
    """ChangeAvailability (5.2): connector 0 means all; a running transaction is let finish."""
    number, operative = request["connectorId"], request["type"] == "Operative"
    connectors = cabinet.station.connectors
    if number != 0 and number not in connectors:
        return _status(REJECTED)
    affected = list(connectors.values()) if number == 0 else [connectors[number]]
    for connector in affected:
        connector.is_operative = operative
    busy = any(connector.is_claimed for connector in affected)

    def then() -> None:
        for connector in affected:
            if not connector.is_claimed:
                cabinet.show(connector, connector.idle_status)

    return _status("Scheduled" if busy and not operative else ACCEPTED, then)


def _trigger(cabinet: Cabinet, request: dict[str, Any]) -> Reaction:
    """TriggerMessage (5.17): the answer first, then the message."""
    wanted, number = request["requestedMessage"], request.get("connectorId")
    connectors = cabinet.station.connectors
    if number is not None and number != 0 and number not in connectors:
        return _status(REJECTED)
    chosen = [connectors[number]] if number else list(connectors.values())
    now = cabinet.runtime.clock.now

    def statuses() -> None:
        for connector in chosen:
            cabinet.report(connector)

    def meters() -> None:
        for connector in chosen:
            if connector.transaction is not None:
                charging.report_meter(cabinet, connector, connector.transaction, context="Trigger")
            else:
                cabinet.talk.tell("MeterValues", messages.meter_values(connector, now(), context="Trigger"))

    sends: dict[str, Callable[[], None]] = {
        "BootNotification": lambda: cabinet.talk.tell("BootNotification", messages.boot(cabinet.spec)),
        "Heartbeat": lambda: cabinet.talk.tell("Heartbeat", {}),
        "StatusNotification": statuses,
        "MeterValues": meters,
    }
    send = sends.get(wanted)
    return _status("NotImplemented") if send is None else _status(ACCEPTED, send)


def _data_transfer(cabinet: Cabinet, request: dict[str, Any]) -> Reaction:  # noqa: ARG001
    """DataTransfer (5.6): no vendor is known here."""
    return _status("UnknownVendorId")


def _clear_cache(cabinet: Cabinet, request: dict[str, Any]) -> Reaction:  # noqa: ARG001
    """ClearCache (5.4): there is none, which is as good as empty."""
    return _status(ACCEPTED)


_HANDLERS: Final[dict[str, Callable[[Cabinet, dict[str, Any]], Reaction]]] = {
    "ChangeAvailability": _change_availability,
    "ChangeConfiguration": _change_configuration,
    "ClearCache": _clear_cache,
    "DataTransfer": _data_transfer,
    "GetConfiguration": _get_configuration,
    "RemoteStartTransaction": _remote_start,
    "RemoteStopTransaction": _remote_stop,
    "TriggerMessage": _trigger,
    "UnlockConnector": _unlock,
}
