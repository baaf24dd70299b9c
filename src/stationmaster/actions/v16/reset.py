"""Reset: please restart (OCPP 1.6, 5.14 and 6.39)."""

from typing import Literal

import msgspec


class ResetRequest(msgspec.Struct, kw_only=True):
    type: Literal["Hard", "Soft"]


class ResetResponse(msgspec.Struct, kw_only=True):
    status: str
