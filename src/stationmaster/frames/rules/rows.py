"""Which rows does a frame leave in the log? One per frame and direction (mission R88).

An immediate answer travels in the envelope of its call and is a row of its own; an answer given by the
offline policy is one too. A link's beginning and end are no frames.
"""

from datetime import datetime
from typing import Any, Final

import msgspec

from stationmaster.contracts import envelope as envelopes
from stationmaster.contracts.envelope import INCOMING, OUTGOING, Envelope
from stationmaster.contracts.redaction import redact

TEXT_MAX: Final = 64 * 1024
"""Characters of a payload or frame that are kept; the gateway lets no frame through that is much longer."""
TYPE: Final = "OCPP"
_OURS: Final = frozenset({envelopes.ANSWER, envelopes.COMMAND})


class Row(msgspec.Struct, frozen=True):
    """A row of charger_data, by its columns' names."""

    timestamp: datetime
    device_id: str
    epoch: int
    kind: str
    seq: int
    charger_id: str
    type: str
    message: str
    direction: str
    message_id: str
    message_data: str
    raw: str | None
    flags: str | None

    @property
    def key(self) -> tuple[Any, ...]:
        return self.timestamp, self.device_id, self.epoch, self.kind, self.seq

    def values(self) -> dict[str, Any]:
        return msgspec.structs.asdict(self)


def rows_of(envelope: Envelope, at: datetime) -> list[Row]:
    """The frame's row, and that of its immediate answer."""
    match envelope.kind:
        case envelopes.LINK:
            return []
        case envelopes.GIVEN:
            seq = envelope.answers_seq or envelope.seq
            payload, raw = bytes(envelope.payload), _raw(envelope)
            return [_row(envelope, at, envelopes.ANSWER, seq, payload, raw, ("offline_policy",))]
        case envelopes.CALL if envelope.is_answered:
            return [_own(envelope, at), _immediate(envelope, at)]
        case _:
            return [_own(envelope, at)]


def _own(envelope: Envelope, at: datetime) -> Row:
    return _row(envelope, at, envelope.kind, envelope.seq, bytes(envelope.payload), _raw(envelope))


def _immediate(envelope: Envelope, at: datetime) -> Row:
    """As it went over the wire (OCPP-J 1.6, 4.2.2)."""
    answer = bytes(envelope.answer)
    raw = b"[3,%b,%b]" % (msgspec.json.encode(envelope.message_id), answer)
    return _row(envelope, at, envelopes.ANSWER, envelope.seq, answer, raw.decode("utf-8", "replace"))


def _raw(envelope: Envelope) -> str | None:
    """The frame's text; one that was no JSON travels as a JSON string."""
    raw = bytes(envelope.raw_data)
    if raw == b"null":
        return None
    if raw[:1] == b'"':
        return msgspec.json.decode(raw, type=str)
    return raw.decode("utf-8", "replace")


def _row(
    envelope: Envelope,
    at: datetime,
    kind: str,
    seq: int,
    payload: bytes,
    raw: str | None,
    more_flags: tuple[str, ...] = (),
) -> Row:
    said = payload.decode("utf-8", "replace"), raw
    data, raw = redact(said[0]), None if raw is None else redact(raw)
    is_redacted = (data, raw) != said
    is_cut = len(data) > TEXT_MAX or len(raw or "") > TEXT_MAX
    flags = [*envelope.flags, *more_flags, *["redacted"] * is_redacted, *["truncated"] * is_cut]
    return Row(
        timestamp=at,
        device_id=_storable(envelope.device_id),
        epoch=envelope.epoch,
        kind=kind,
        seq=seq,
        charger_id=_storable(envelope.charger_id),
        type=TYPE,
        message=_storable(envelope.message_type),
        direction=OUTGOING if kind in _OURS else INCOMING,
        message_id=_storable(envelope.message_id),
        message_data=_cut_json(data),
        raw=None if raw is None else _cut(_storable(raw)),
        flags=msgspec.json.encode(flags).decode() if flags else None,
    )


def _storable(text: str) -> str:
    """No database takes a NUL everywhere."""
    return text.replace("\0", "\ufffd")


def _cut(text: str) -> str:
    return text if len(text) <= TEXT_MAX else f"{text[:TEXT_MAX]}… [{len(text)} characters]"


def _cut_json(text: str) -> str:
    """Still JSON, so that readers need no second way to read it."""
    if len(text) <= TEXT_MAX:
        return text
    return msgspec.json.encode(
        {"truncated": True, "characters": len(text), "begin": text[:TEXT_MAX]}
    ).decode()
