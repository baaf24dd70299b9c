"""In which order do a link's frames become durable, and what may happen after each?

Each frame gets the link's next seq, and its publish is started at once, without waiting for those before it.
What follows a frame (its answer, usually) happens when it and all before it are durable.
"""

from collections.abc import Callable
from datetime import datetime

import msgspec

from stationmaster.contracts import envelope as contract
from stationmaster.contracts.envelope import Envelope
from stationmaster.gateway.kit import Kit
from stationmaster.gateway.ports import StationRecord
from stationmaster.gateway.publishing import Outgoing
from stationmaster.gateway.stamping import message_of, wire_time

BOOT = "BootNotification"


class Step(Outgoing):
    """A frame on its way. Once it is its turn: ``answer`` is said to ``message_id``, or ``then`` is
    called.
    """

    __slots__ = ("_frames", "answer", "is_durable", "message_id", "then")

    def __init__(self, frames: "OrderedFrames", envelope: Envelope, answer: bytes | None):
        kit = frames.kit
        message = message_of(envelope, kit.options.names.ingress)
        super().__init__(kit.publishing, envelope.device_id, message)
        self._frames, self.is_durable = frames, False
        self.message_id, self.answer = envelope.message_id, answer
        self.then: Callable[[], None] | None = None

    def settled(self, is_durable: bool) -> None:
        self.is_durable = is_durable
        if is_durable:
            self._frames.release()
        else:
            self._frames.failed()


class OrderedFrames:
    """``say`` gives an immediate answer, ``failed`` hears that a frame can be made durable nowhere, ``moved``
    that the line got shorter.
    """

    __slots__ = ("_charger_id", "_epoch", "_line", "_moved", "_say", "_station_id", "failed", "kit", "seq")

    def __init__(
        self,
        kit: Kit,
        record: StationRecord,
        epoch: int,
        *,
        say: Callable[[str, bytes], None],
        failed: Callable[[], None],
        moved: Callable[[], None],
    ):
        self.kit, self._epoch = kit, epoch
        self._station_id, self._charger_id = record.station_id, record.charger_id
        self._say, self.failed, self._moved = say, failed, moved
        self.seq = 0
        self._line: list[Step] = []  # short; an empty deque weighs 760 bytes per link

    def __len__(self) -> int:
        """Frames that are not yet durable, or wait for one that is not."""
        return len(self._line)

    def stamp(
        self,
        kind: str,
        message_type: str,
        message_id: str,
        payload: msgspec.Raw,
        raw: msgspec.Raw,
        at: datetime,
        *,
        answer: bytes | None = None,
        proposed: int | None = None,
        answers_seq: int | None = None,
    ) -> Step:
        """Give it the next seq and start making it durable."""
        self.seq = seq = self.seq + 1
        envelope = self._envelope(kind, seq, message_type, message_id, payload, raw, at)
        if answer is not None:
            envelope.answer = msgspec.Raw(answer)
        if proposed is not None:
            envelope.proposed_transaction_id = proposed
        if answers_seq is not None:
            envelope.answers_seq, envelope.direction = answers_seq, contract.OUTGOING
        # The sources' flag (mission R59): vendor, model and firmware are in the payload.
        envelope.needs_metadata_update = message_type == BOOT
        step = Step(self, envelope, answer)
        self._line.append(step)
        self.kit.publishing.put(step)
        return step

    def log_only(
        self,
        kind: str,
        seq: int,
        message_type: str,
        message_id: str,
        payload: msgspec.Raw,
        frame: bytes,
        then: Callable[[bool], None],
    ) -> None:
        """What we are about to say, on record before it is said; it takes no seq of the link."""
        raw, at = msgspec.Raw(frame), self.kit.clock.now()
        envelope = self._envelope(kind, seq, message_type, message_id, payload, raw, at)
        envelope.direction = contract.OUTGOING
        message = message_of(envelope, self.kit.options.names.ingress)
        self.kit.publishing.send(self._station_id, message, then)

    def _envelope(
        self,
        kind: str,
        seq: int,
        message_type: str,
        message_id: str,
        payload: msgspec.Raw,
        raw: msgspec.Raw,
        at: datetime,
    ) -> Envelope:
        station_id, epoch = self._station_id, self._epoch
        return Envelope(
            id=contract.envelope_id(station_id, epoch, kind, seq),
            device_id=station_id,
            charger_id=self._charger_id,
            epoch=epoch,
            seq=seq,
            kind=kind,
            message_type=message_type,
            message_id=message_id,
            payload=payload,
            raw_data=raw,
            timestamp=wire_time(at),
            gateway_id=self.kit.gateway_id,
            reply_to=self.kit.reply_to,
        )

    def release(self) -> None:
        """A frame became durable: everything up to the first that is not may be acted on."""
        line = self._line
        while line and line[0].is_durable:
            step = line.pop(0)
            if step.answer is not None:
                self._say(step.message_id, step.answer)
            elif step.then is not None:
                step.then()
        self._moved()
