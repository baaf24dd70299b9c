"""Which configuration keys does a station have, and may this one be changed to that? (OCPP 1.6, 9)"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

ACCEPTED, REJECTED, NOT_SUPPORTED = "Accepted", "Rejected", "NotSupported"

AUTHORIZATION_KEY: Final = "AuthorizationKey"


def _is_count(value: str) -> bool:
    return value.isascii() and value.isdigit() and len(value) <= 9


def _is_bool(value: str) -> bool:
    return value.lower() in {"true", "false"}


def _is_key(value: str) -> bool:
    """16 to 20 bytes in hex digits (security whitepaper, 3.1)."""
    return re.fullmatch(r"(?:[0-9a-fA-F]{2}){16,20}", value) is not None


def _is_list(value: str) -> bool:
    return len(value) <= 500


@dataclass(frozen=True, slots=True)
class Key:
    """``accepts`` None: read-only. Hidden keys can be written and never read."""

    accepts: Callable[[str], bool] | None
    default: str
    is_hidden: bool = False


KEYS: Final = {
    "AuthorizeRemoteTxRequests": Key(_is_bool, "false"),
    AUTHORIZATION_KEY: Key(_is_key, "", is_hidden=True),
    "ClockAlignedDataInterval": Key(_is_count, "0"),
    "ConnectionTimeOut": Key(_is_count, "60"),
    "GetConfigurationMaxKeys": Key(None, "50"),
    "HeartbeatInterval": Key(_is_count, "300"),
    "LocalPreAuthorize": Key(_is_bool, "false"),
    "MeterValuesSampledData": Key(_is_list, "Energy.Active.Import.Register,Power.Active.Import,SoC"),
    "MeterValueSampleInterval": Key(_is_count, "10"),
    "NumberOfConnectors": Key(None, "1"),
    "StopTransactionOnInvalidId": Key(_is_bool, "true"),
    "SupportedFeatureProfiles": Key(None, "Core,RemoteTrigger"),
    "TransactionMessageAttempts": Key(_is_count, "3"),
    "TransactionMessageRetryInterval": Key(_is_count, "5"),
    "UnlockConnectorOnEVSideDisconnect": Key(_is_bool, "true"),
    "WebSocketPingInterval": Key(_is_count, "30"),
}


@dataclass(slots=True)
class Configuration:
    """The station's key store."""

    values: dict[str, str] = field(default_factory=dict)

    def get(self, key: str) -> str:
        return self.values.get(key, KEYS[key].default)

    def is_on(self, key: str) -> bool:
        return self.get(key).lower() == "true"

    def change(self, key: str, value: str) -> str:
        """ChangeConfiguration's status."""
        if key not in KEYS:
            return NOT_SUPPORTED
        accepts = KEYS[key].accepts
        if accepts is None or not accepts(value):
            return REJECTED
        self.values[key] = value
        return ACCEPTED

    def report(self, wanted: list[str]) -> dict[str, Any]:
        """GetConfiguration's answer: what was asked for, or everything readable."""
        readable = {name: key for name, key in KEYS.items() if not key.is_hidden}
        names = wanted or list(readable)
        known = [
            {"key": name, "readonly": readable[name].accepts is None, "value": self.get(name)}
            for name in names
            if name in readable
        ]
        unknown = [name[:50] for name in names if name not in readable]
        return {"configurationKey": known, **({"unknownKey": unknown} if unknown else {})}
