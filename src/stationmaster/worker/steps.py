"""What does each frame ask of which handler? Envelopes become calls; what cannot be read is told apart."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import msgspec

from stationmaster.actions.dispatch import Call, Registry, Unreadable
from stationmaster.actions.given import GivenAnswer
from stationmaster.actions.link import LinkRequest
from stationmaster.contracts import envelope as envelopes
from stationmaster.contracts.envelope import Envelope
from stationmaster.worker.batch import Frame
from stationmaster.worker.turns import Place, Turn

OUR_FAULT = "our_fault"
"""Not one of OCPP's codes: no station ever hears of it."""


@dataclass(slots=True, eq=False)
class Step:
    """A frame whose turn has come. ``call`` is None when nobody handles it: the log has it, and that is
    all.
    """

    frame: Frame
    is_late: bool
    call: Call[Any] | None = None
    refused: Unreadable | None = None

    @property
    def kind(self) -> str:
        """What handles it: an action, `LinkOpened`, `LinkClosed` or `given`."""
        envelope = self.frame.envelope
        return envelopes.GIVEN if envelope.kind == envelopes.GIVEN else envelope.message_type

    @property
    def is_our_fault(self) -> bool:
        """It could be read, and handling it failed."""
        return self.refused is not None and self.refused.code == OUR_FAULT


def by_station(turns: Sequence[Turn], replays: Collection[Frame]) -> list[list[Step]]:
    """Each station's steps in order: its older link first, within a link what is late first."""
    return [
        [step for turn in of_station for step in _of_link(turn, replays)]
        for _, of_station in groupby(turns, key=lambda turn: turn.state.station_id)
    ]


def _of_link(turn: Turn, replays: Collection[Frame]) -> list[Step]:
    again = [Step(frame, is_late=True) for frame in turn.skipped() if frame in replays]
    return again + [Step(frame, turn.is_late(frame.seq)) for frame in turn.to_apply()]


def read(steps: Sequence[Step], registry: Registry, refuse: Mapping[Place, str]) -> None:
    """Give every step its call, or the reason why it has none."""
    given = {
        (*step.frame.link, step.frame.envelope.answers_seq): bytes(step.frame.envelope.payload)
        for step in steps
        if step.frame.envelope.kind == envelopes.GIVEN
    }
    for step in steps:
        try:
            if reason := refuse.get(step.frame.place):
                raise Unreadable(OUR_FAULT, reason)
            step.call = _call(step, registry, given.get(step.frame.place))
        except Unreadable as error:
            step.refused = error


def _call(step: Step, registry: Registry, given: bytes | None) -> Call[Any] | None:
    envelope = step.frame.envelope
    request = _request(envelope, registry)
    if request is None:
        return None
    return Call(
        station_id=envelope.device_id,
        charger_id=envelope.charger_id,
        epoch=envelope.epoch,
        seq=envelope.seq,
        message_id=envelope.message_id,
        action=envelope.message_type,
        request=request,
        received_at=step.frame.at,
        payload=bytes(envelope.payload),
        gateway_id=envelope.gateway_id,
        proposed_transaction_id=envelope.proposed_transaction_id,
        is_late=step.is_late,
        given=given,
        flags=list(envelope.flags),
    )


def _request(envelope: Envelope, registry: Registry) -> Any:
    if envelope.kind == envelopes.LINK:
        return _link_request(envelope)
    if envelope.kind == envelopes.GIVEN:
        return GivenAnswer(envelope.answers_seq or 0, bytes(envelope.payload))
    action = registry.get(envelope.message_type) if envelope.kind == envelopes.CALL else None
    return None if action is None or action.handle is None else action.decode(envelope.payload)


def _link_request(envelope: Envelope) -> LinkRequest:
    """Our own gateway's words, an older or newer one's perhaps: what cannot be read is left out."""
    try:
        return msgspec.json.decode(envelope.payload, type=LinkRequest, strict=False)
    except msgspec.MsgspecError:
        return LinkRequest()


def waits_for_our_word(frame: Frame, registry: Registry) -> bool:
    """Everything else was answered by the gateway."""
    envelope = frame.envelope
    is_open = envelope.kind == envelopes.CALL and not envelope.is_answered
    return is_open and registry.handles(envelope.message_type)
