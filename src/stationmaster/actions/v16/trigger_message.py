"""TriggerMessage: please send this message now (OCPP 1.6, 5.17 and 6.51)."""

from typing import Annotated, Literal

import msgspec


class TriggerMessageRequest(msgspec.Struct, rename="camel", omit_defaults=True, kw_only=True):
    requested_message: Literal[
        "BootNotification",
        "DiagnosticsStatusNotification",
        "FirmwareStatusNotification",
        "Heartbeat",
        "MeterValues",
        "StatusNotification",
    ]
    connector_id: Annotated[int, msgspec.Meta(ge=1)] | None = None


class TriggerMessageResponse(msgspec.Struct, rename="camel", kw_only=True):
    status: str
