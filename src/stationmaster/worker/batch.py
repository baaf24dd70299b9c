"""What lies in this batch of deliveries: which frames, once each, and which documents are none?"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import msgspec

from stationmaster.contracts import envelope as envelopes
from stationmaster.contracts import set_aside
from stationmaster.contracts.envelope import Envelope
from stationmaster.infra.bus.port import Delivery
from stationmaster.kernel.clock import parse_time

Link = tuple[str, int]
"""A station's identity and the epoch of one of its connections."""

SEQUENCED = frozenset({
    envelopes.CALL, envelopes.RESULT, envelopes.ERROR, envelopes.INVALID, envelopes.LINK, envelopes.GIVEN,
})  # fmt: skip
EPOCH_MAX = 2**63 - 1


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """A stamped frame: its envelope, the bytes that it came in, when the gateway received it. Equal by
    identity.
    """

    envelope: Envelope
    body: bytes
    at: datetime
    is_replay: bool = False

    @property
    def link(self) -> Link:
        return self.envelope.device_id, self.envelope.epoch

    @property
    def seq(self) -> int:
        return self.envelope.seq

    @property
    def place(self) -> tuple[str, int, int]:
        return self.envelope.device_id, self.envelope.epoch, self.envelope.seq


@dataclass(frozen=True, slots=True)
class Broken:
    """A document that is no frame."""

    body: bytes
    reason: str


@dataclass(slots=True)
class Batch:
    frames: list[Frame] = field(default_factory=list)
    broken: list[Broken] = field(default_factory=list)
    documents: int = 0


def read(deliveries: Sequence[Delivery]) -> Batch:
    """Frames in the order of their links, duplicates within the batch dropped (a replay wins over a copy)."""
    batch = Batch()
    found: dict[tuple[str, int, int], Frame] = {}
    for body in (item for delivery in deliveries for item in delivery.items):
        batch.documents += 1
        frame = frame_of(body)
        if isinstance(frame, Broken):
            batch.broken.append(frame)
        elif frame.envelope.kind in SEQUENCED and (frame.place not in found or frame.is_replay):
            found[frame.place] = frame
    batch.frames = in_order(found.values())
    return batch


def in_order(frames: Iterable[Frame]) -> list[Frame]:
    return sorted(frames, key=lambda frame: frame.place)


def frame_of(body: bytes) -> Frame | Broken:
    """One document: an envelope, or a set-aside one that somebody replays."""
    try:
        return _checked(envelopes.decode(body), body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        replayed = _replayed(body)
        return replayed or Broken(body, f"not an envelope: {error}")


def _replayed(body: bytes) -> Frame | Broken | None:
    try:
        letter = set_aside.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    inner = letter.body if letter.body is not None else bytes(letter.envelope)
    try:
        return _checked(envelopes.decode(inner or b""), inner or b"", is_replay=True)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        return Broken(inner or body, f"not an envelope: {error}")


def _checked(envelope: Envelope, body: bytes, *, is_replay: bool = False) -> Frame | Broken:
    at = parse_time(envelope.timestamp)
    if at is None:
        return Broken(body, f"unreadable timestamp {envelope.timestamp!r}")
    if not envelope.device_id or not 0 < envelope.epoch <= EPOCH_MAX or not 0 < envelope.seq <= EPOCH_MAX:
        return Broken(body, "no station, epoch or seq")
    return Frame(envelope, body, at, is_replay)
