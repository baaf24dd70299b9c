"""What does a frame look like on the bus? (station, epoch, seq), kind, content, time: the envelope, as a
message.
"""

from datetime import UTC, datetime
from typing import Final

import msgspec

from stationmaster.contracts import envelope as contract
from stationmaster.contracts.envelope import Envelope
from stationmaster.infra.bus.port import Message
from stationmaster.ocpp.actions16 import STATION_ACTIONS
from stationmaster.ocpp.frame import CallError

GROUP: Final = "frames"
HEARTBEATS_KEY: Final = "log.heartbeats"

_encode_json: Final = msgspec.json.Encoder().encode
_call_routes: Final = {
    action: (key, contract.priority(key)) for action in STATION_ACTIONS for key in [f"ocpp.{action.lower()}"]
}


def wire_time(at: datetime) -> str:
    """RFC 3339 UTC in milliseconds; per frame, so without strftime."""
    assert at.tzinfo is UTC
    return at.isoformat(timespec="milliseconds")[:-6] + "Z"


def message_of(envelope: Envelope, exchange: str) -> Message:
    """Where it goes and how urgent it is."""
    route = _call_routes.get(envelope.message_type) if envelope.kind == contract.CALL else None
    if route is None:
        key = contract.routing_key(envelope, STATION_ACTIONS)
        route = (key, contract.priority(key))
    return Message(exchange, route[0], contract.encode(envelope), envelope.id, route[1], GROUP)


def json_string(data: bytes) -> msgspec.Raw:
    """Bytes that are no readable JSON, as a JSON string any database can store."""
    return msgspec.Raw(_encode_json(data.decode("utf-8", "replace").replace("\0", "\ufffd")))


def error_payload(code: str, description: str, details: bytes = b"{}") -> msgspec.Raw:
    """A CALLERROR's content as one JSON object."""
    return msgspec.Raw(
        _encode_json(
            {"errorCode": code, "errorDescription": description, "errorDetails": msgspec.Raw(details)}
        )
    )


def error_payload_of(error: CallError) -> msgspec.Raw:
    return error_payload(error.code, error.description, error.details)


def document(value: object) -> bytes:
    """Any small document of ours."""
    return _encode_json(value)
