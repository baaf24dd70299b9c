"""What does a station hear when nobody who could decide answers in time? (architecture 3.4)

Pure: from the policy and what the gateway knows of an idToken to the answer.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Final

import msgspec

from stationmaster.gateway.options import OfflinePolicy


class Known(Enum):
    """What the gateway knows of an idToken."""

    ONE_TIME = "one_time"  # told with a remote start to this station
    OPERATOR = "operator"  # comes with the station's record
    REMEMBERED = "remembered"  # was accepted lately, and may be remembered
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Given:
    """An answer of ours in the backend's place."""

    payload: bytes
    by: str


class _Asked(msgspec.Struct):
    id_tag: str = msgspec.field(default="", name="idTag")
    connector_id: int = msgspec.field(default=0, name="connectorId")


_read: Final = msgspec.json.Decoder(_Asked, strict=False).decode


def asked_for(payload: bytes) -> tuple[str, int]:
    """idTag and connector of an Authorize or StartTransaction; an unreadable one names nobody."""
    try:
        asked = _read(payload)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return "", 0
    return asked.id_tag, asked.connector_id


def accepts(policy: OfflinePolicy, known: Known) -> bool:
    match known:
        case Known.ONE_TIME:
            return policy.one_time_tokens
        case Known.OPERATOR:
            return policy.operator_tokens
        case Known.REMEMBERED:
            return policy.remembered_tokens
        case Known.UNKNOWN:
            return policy.unknown_tokens


def answer(action: str, *, is_accepted: bool, transaction_id: int | None) -> Given | None:
    """None: it cannot be decided here (a start needs a leased id: a made-up one could collide)."""
    status = b"Accepted" if is_accepted else b"Invalid"
    by = "offline_accepted" if is_accepted else "offline_refused"
    if action == "Authorize":
        return Given(b'{"idTagInfo":{"status":"%b"}}' % status, by)
    if action == "StartTransaction":
        if transaction_id is None:
            return None
        return Given(b'{"idTagInfo":{"status":"%b"},"transactionId":%d}' % (status, transaction_id), by)
    return Given(b'{"status":"Rejected"}', "offline_refused")
