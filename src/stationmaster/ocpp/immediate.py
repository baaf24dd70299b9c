"""What can be answered at once, without asking anybody?

A station that got through admission is accepted; notifications have nothing to decide; StopTransaction "shall
always be answered" (OCPP 1.6, 4.10) and cannot be refused. Only Authorize, StartTransaction and DataTransfer
wait for a decision.
"""

from datetime import datetime
from typing import Final

from stationmaster.kernel.clock import isoformat_z

_NOTHING: Final = b"{}"

_FIXED: Final = {
    "DiagnosticsStatusNotification": _NOTHING,
    "FirmwareStatusNotification": _NOTHING,
    "LogStatusNotification": _NOTHING,
    "MeterValues": _NOTHING,
    "SecurityEventNotification": _NOTHING,
    "SignedFirmwareStatusNotification": _NOTHING,
    "StatusNotification": _NOTHING,
    "StopTransaction": _NOTHING,
    # We run no certificate authority; the station keeps the certificate it has.
    "SignCertificate": b'{"status":"Rejected"}',
}


def answer(action: str, payload: bytes, *, now: datetime, heartbeat_interval_s: int) -> bytes | None:  # noqa: ARG001
    """The answer's payload; None when somebody has to decide, or when the action is unknown."""
    fixed = _FIXED.get(action)
    if fixed is not None:
        return fixed
    if action == "Heartbeat":
        return b'{"currentTime":"%b"}' % isoformat_z(now).encode()
    if action == "BootNotification":
        return b'{"currentTime":"%b","interval":%d,"status":"Accepted"}' % (
            isoformat_z(now).encode(),
            heartbeat_interval_s,
        )
    return None
