"""How JSON looks on our REST surface: camelCase, unknown fields refused, times with Z."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, PlainSerializer
from pydantic.alias_generators import to_camel

from stationmaster.kernel.clock import isoformat_z

WireTime = Annotated[datetime, PlainSerializer(isoformat_z, return_type=str, when_used="json")]


class Wire(BaseModel):
    """Base of answers."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, from_attributes=True)


class Body(Wire):
    """Base of requests: an unknown field is an error, so that a mis-spelt one is not silently ignored."""

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, extra="forbid", str_strip_whitespace=True
    )
