"""What must a person know? Frames set aside and gaps gone over, as facts and as dead letters."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from stationmaster.contracts import set_aside
from stationmaster.contracts.facts import ERROR_OCCURRED, Fact
from stationmaster.contracts.topology import dead_queue
from stationmaster.infra.bus.port import REASON_HEADER, Message
from stationmaster.infra.db.database import UnitOfWork
from stationmaster.kernel.clock import isoformat_z
from stationmaster.kernel.ids import IdSource
from stationmaster.stations import registry
from stationmaster.worker.batch import Broken, Frame, Link
from stationmaster.worker.rules.order import Gap

REASON_MAX = 500


async def frames_set_aside(
    uow: UnitOfWork, frames: Mapping[Frame, str], *, queue: str, now: datetime
) -> None:
    """A dead letter and a fact for each."""
    if not frames:
        return
    organisations = await registry.organisations_of(uow, {frame.link[0] for frame in frames})
    for frame, reason in frames.items():
        letter = set_aside.SetAside(set_aside=reason, at=isoformat_z(now), envelope=msgspec.Raw(frame.body))
        uow.send(_dead_letter(queue, letter, f"{frame.envelope.id}:dead"))
        data = {
            "code": "frame_set_aside",
            "message": reason,
            "action": frame.envelope.message_type,
            "seq": frame.seq,
        }
        uow.announce(_error(f"set-aside:{frame.envelope.id}", frame.link, organisations, data, now=now))


async def gaps_gone_over(uow: UnitOfWork, gaps: Mapping[Link, Gap], *, now: datetime) -> None:
    """Frames that a gateway stamped and nobody has seen so far."""
    if not gaps:
        return
    organisations = await registry.organisations_of(uow, {link[0] for link in gaps})
    for link, (first, last) in gaps.items():
        message = f"{last - first + 1} frames are missing; going on without them."
        data = {"code": "frames_missing", "message": message, "firstSeq": first, "lastSeq": last}
        uow.announce(_error(f"gap:{link[0]}:{link[1]}:{first}", link, organisations, data, now=now))


def documents_set_aside(
    uow: UnitOfWork, documents: Sequence[Broken], *, queue: str, ids: IdSource, now: datetime
) -> None:
    """Documents that are no frames; their station is not known."""
    for document in documents:
        letter = set_aside.SetAside(set_aside=document.reason, at=isoformat_z(now), body=document.body)
        uow.send(_dead_letter(queue, letter, ids.new("dead")))


def _dead_letter(queue: str, letter: set_aside.SetAside, message_id: str) -> Message:
    reason = {REASON_HEADER: letter.set_aside[:REASON_MAX]}
    return Message("", dead_queue(queue), set_aside.encode(letter), message_id, headers=reason)


def _error(
    fact_id: str, link: Link, organisations: Mapping[str, str], data: dict[str, Any], *, now: datetime
) -> Fact:
    return Fact(
        id=fact_id,
        type=ERROR_OCCURRED,
        at=isoformat_z(now),
        organisation_id=organisations.get(link[0]),
        station_id=link[0],
        data=msgspec.Raw(msgspec.json.encode({**data, "epoch": link[1]})),
    )
