"""ChangeConfiguration: please set this configuration key (OCPP 1.6, 5.3 and 6.9)."""

from typing import Annotated

import msgspec


class ChangeConfigurationRequest(msgspec.Struct, kw_only=True):
    key: Annotated[str, msgspec.Meta(min_length=1, max_length=50)]
    value: Annotated[str, msgspec.Meta(max_length=500)]


class ChangeConfigurationResponse(msgspec.Struct, kw_only=True):
    status: str
