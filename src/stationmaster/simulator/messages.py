"""What does a station say, in OCPP 1.6's words?"""

from datetime import datetime
from typing import Any

from stationmaster.kernel.clock import isoformat_z
from stationmaster.simulator.model import Connector, Transaction
from stationmaster.simulator.spec import StationSpec

Payload = dict[str, Any]


def boot(spec: StationSpec) -> Payload:
    """BootNotification (4.2)."""
    return {
        "chargePointVendor": spec.vendor[:20],
        "chargePointModel": spec.model[:20],
        "chargePointSerialNumber": spec.station_id[:25],
        "firmwareVersion": "1.0.0",
        "meterType": "Simulated",
    }


def status(connector: Connector, at: datetime) -> Payload:
    """StatusNotification (4.9)."""
    payload: Payload = {
        "connectorId": connector.id,
        "errorCode": connector.error_code,
        "status": connector.status,
        "timestamp": isoformat_z(at),
    }
    if connector.error_code == "GroundFailure":
        payload["info"] = "Residual current detected"
    return payload


def start(transaction: Transaction) -> Payload:
    """StartTransaction (4.8)."""
    return {
        "connectorId": transaction.connector_id,
        "idTag": transaction.id_token,
        "meterStart": transaction.meter_start,
        "timestamp": isoformat_z(transaction.started_at),
    }


def stop(transaction: Transaction) -> Payload:
    """StopTransaction (4.10), still without the transaction's id."""
    assert transaction.meter_stop is not None
    assert transaction.stopped_at is not None
    return {
        "idTag": transaction.id_token,
        "meterStop": transaction.meter_stop,
        "timestamp": isoformat_z(transaction.stopped_at),
        "reason": transaction.reason,
    }


def meter_values(connector: Connector, at: datetime, *, context: str = "Sample.Periodic") -> Payload:
    """MeterValues (4.7), still without the transaction's id: register, and while charging power and SoC."""
    sampled: list[Payload] = [
        {
            "value": str(connector.meter.shown_wh),
            "context": context,
            "measurand": "Energy.Active.Import.Register",
            "unit": "Wh",
        }
    ]
    if connector.flow is not None:
        power = {"value": f"{connector.flow.power_w:.0f}", "measurand": "Power.Active.Import", "unit": "W"}
        soc = {
            "value": f"{connector.flow.battery.soc_percent:.0f}",
            "measurand": "SoC",
            "unit": "Percent",
            "location": "EV",
        }
        sampled += [power, soc]
    return {
        "connectorId": connector.id,
        "meterValue": [{"timestamp": isoformat_z(at), "sampledValue": sampled}],
    }
