"""UnlockConnector: please release the cable (OCPP 1.6, 5.18 and 6.53)."""

from typing import Annotated

import msgspec


class UnlockConnectorRequest(msgspec.Struct, rename="camel", kw_only=True):
    connector_id: Annotated[int, msgspec.Meta(ge=1)]


class UnlockConnectorResponse(msgspec.Struct, rename="camel", kw_only=True):
    status: str
