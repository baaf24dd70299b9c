"""GetConfiguration: what are your configuration keys? (OCPP 1.6, 5.8 and 6.23)"""

from typing import Annotated

import msgspec


class GetConfigurationRequest(msgspec.Struct, rename="camel", omit_defaults=True, kw_only=True):
    key: list[Annotated[str, msgspec.Meta(max_length=50)]] | None = None


class ConfigurationKey(msgspec.Struct, rename="camel", omit_defaults=True, kw_only=True):
    """OCPP 1.6, 7.29 (KeyValue)."""

    key: str
    readonly: bool = False
    value: str | None = None


class GetConfigurationResponse(msgspec.Struct, rename="camel", omit_defaults=True, kw_only=True):
    configuration_key: list[ConfigurationKey] | None = None
    unknown_key: list[str] | None = None
