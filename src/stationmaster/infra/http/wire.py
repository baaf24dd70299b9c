"""How JSON looks on our REST surface: camelCase, unknown fields refused, times with Z."""

from datetime import datetime
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, PlainSerializer, StringConstraints, field_validator
from pydantic.alias_generators import to_camel

from stationmaster.kernel.clock import isoformat_z

WireTime = Annotated[datetime, PlainSerializer(isoformat_z, return_type=str, when_used="json")]

TEXT_MAX: Final = 100


def without_nul(text: str) -> str:
    """No database takes a NUL everywhere, so none gets as far as there. Raises ValueError."""
    if "\0" in text:
        raise ValueError("a NUL character")
    return text


Words = Annotated[str, StringConstraints(max_length=TEXT_MAX, pattern=r"^[^\x00]*$")]
"""What stands in a query or a path."""


class Wire(BaseModel):
    """Base of answers."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, from_attributes=True)


class Body(Wire):
    """Base of requests: an unknown field is an error, so that a mis-spelt one is not silently ignored."""

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, extra="forbid", str_strip_whitespace=True
    )

    @field_validator("*", mode="after")
    @classmethod
    def _has_no_nul(cls, value: Any) -> Any:
        return without_nul(value) if isinstance(value, str) else value
