"""How a frame travels from the gateway to the workers and the log (architecture 4).

One JSON document per frame; an AMQP body is an array of them. The contract changes by addition; samples of
every version stay decodable (tests/contract/messages).
"""

from typing import Final

import msgspec

VERSION: Final = 1

# Kinds: what the frame is. `call`, `result`, `error`, `invalid`, `link` and `given` take the link's next seq.
CALL: Final = "call"  # a CALL of the station
RESULT: Final = "result"  # the station's CALLRESULT to a command of ours
ERROR: Final = "error"  # the station's CALLERROR to a command of ours
INVALID: Final = "invalid"  # bytes that are no OCPP frame
LINK: Final = (
    "link"  # messageType LinkOpened / LinkClosed: not on the wire, tells the worker of the link's life
)
GIVEN: Final = "given"  # an answer that the gateway decided by the offline policy; answersSeq names the call
# Log only, no seq of the link:
ANSWER: Final = "answer"  # the answer that was sent to a call that needed a decision; seq = the call's seq
COMMAND: Final = "command"  # a CALL of ours; seq counts our own calls on that link

INCOMING: Final = "Incoming"
OUTGOING: Final = "Outgoing"

LINK_OPENED: Final = "LinkOpened"
LINK_CLOSED: Final = "LinkClosed"


class Envelope(msgspec.Struct, rename="camel", omit_defaults=True, kw_only=True):
    """A frame of one station, stamped.

    ``seq`` is dense from 1 within (device_id, epoch) for kinds that take the link's sequence. ``answer`` is the
    payload of the immediate answer (null: the gateway gave none). ``timestamp`` is when the gateway
    received or sent it (UTC, RFC 3339).
    """

    version: int = VERSION
    id: str
    device_id: str
    charger_id: str = ""
    epoch: int
    seq: int
    kind: str
    direction: str = INCOMING
    message_type: str
    message_id: str = ""
    payload: msgspec.Raw = msgspec.Raw(b"null")
    raw_data: msgspec.Raw = msgspec.Raw(b"null")
    timestamp: str
    answer: msgspec.Raw = msgspec.Raw(b"null")  # no union with None: msgspec reads such a Raw as null only
    answers_seq: int | None = None
    proposed_transaction_id: int | None = None
    gateway_id: str = ""
    reply_to: str = ""
    needs_metadata_update: bool = False
    flags: list[str] = []

    @property
    def is_answered(self) -> bool:
        """Did the gateway answer this CALL at once?"""
        return bytes(self.answer) != b"null"


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Envelope)


def envelope_id(station_id: str, epoch: int, kind: str, seq: int) -> str:
    """The stable id of a frame: the same frame published twice has the same id."""
    return f"{station_id}:{epoch}:{kind}:{seq}"


def encode(envelope: Envelope) -> bytes:
    """One envelope as JSON."""
    return _encoder.encode(envelope)


def decode(body: bytes | msgspec.Raw) -> Envelope:
    """Raises msgspec.MsgspecError on anything that is no envelope."""
    return _decoder.decode(body)


def routing_key(envelope: Envelope, known_actions: frozenset[str]) -> str:
    """`ocpp.<action>` in lower case; log-only kinds under `log.`."""
    match envelope.kind:
        case "call":
            action = envelope.message_type
            return f"ocpp.{action.lower()}" if action in known_actions else "ocpp.unknown"
        case "result":
            return "ocpp.response"
        case "answer" | "command":
            return f"log.{envelope.kind}"
        case "link":
            return f"ocpp.{envelope.message_type.lower()}"
        case kind:
            return f"ocpp.{kind}"


# Priority property per kind and action: boot, start, stop above meter values (architecture 4). Order is restored
# by the database, so priority is safe.
_PRIORITIES: Final = {
    "ocpp.starttransaction": 9,
    "ocpp.authorize": 9,
    "ocpp.datatransfer": 8,
    "ocpp.stoptransaction": 7,
    "ocpp.bootnotification": 6,
    "ocpp.given": 6,
    "ocpp.linkopened": 6,
    "ocpp.linkclosed": 6,
    "ocpp.statusnotification": 4,
    "ocpp.metervalues": 1,
}


def priority(key: str) -> int:
    """0..9, higher is sooner."""
    return _PRIORITIES.get(key, 3)
