"""ChangeAvailability: please go in or out of operation (OCPP 1.6, 5.2 and 6.7).

Connector 0 is the whole station.
"""

from typing import Annotated, Literal

import msgspec


class ChangeAvailabilityRequest(msgspec.Struct, rename="camel", kw_only=True):
    connector_id: Annotated[int, msgspec.Meta(ge=0)]
    type: Literal["Inoperative", "Operative"]


class ChangeAvailabilityResponse(msgspec.Struct, rename="camel", kw_only=True):
    status: str
