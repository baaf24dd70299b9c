"""What was a station told? Answers to CALLs that needed a decision: kept, sent after the commit, sent
again.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec
import structlog
from sqlalchemy import select

from stationmaster.contracts.commands import DecidedAnswer
from stationmaster.infra.bus.port import Bus, Message, Unroutable
from stationmaster.infra.db.among import among
from stationmaster.infra.db.database import UnitOfWork
from stationmaster.infra.db.tables import stored_answer
from stationmaster.kernel.errors import Unavailable
from stationmaster.worker import marks
from stationmaster.worker.batch import Frame

log = structlog.get_logger()

PRIORITY = 9
NOTHING = b"{}"


@dataclass(frozen=True, slots=True)
class Answer:
    """The payload, or an error code, for one decided CALL."""

    frame: Frame
    payload: bytes = NOTHING
    error_code: str = ""
    remember_id_token: str = ""

    def message(self) -> Message:
        call = self.frame.envelope
        body = DecidedAnswer(
            device_id=call.device_id,
            epoch=call.epoch,
            seq=call.seq,
            message_id=call.message_id,
            payload=msgspec.Raw(self.payload),
            error_code=self.error_code,
            remember_id_token=self.remember_id_token,
        )
        name = f"{call.device_id}:{call.epoch}:decided:{call.seq}"
        return Message("", call.reply_to, msgspec.json.encode(body), name, priority=PRIORITY)


async def keep(uow: UnitOfWork, answers: Sequence[Answer], *, now: datetime) -> None:
    """In the unit of work that decided; the first answer stays."""
    rows = [
        {
            "station_id": answer.frame.link[0],
            "epoch": answer.frame.link[1],
            "seq": answer.frame.seq,
            "message_id": answer.frame.envelope.message_id,
            "payload": answer.payload.decode(),
            "error_code": answer.error_code,
            "created_at": now,
        }
        for answer in answers
    ]
    if rows:
        await uow.bulk_insert(stored_answer, rows, ignore_conflicts=True)


async def kept(uow: UnitOfWork, frames: Sequence[Frame]) -> list[Answer]:
    """The answers that these redelivered CALLs were given."""
    if not frames:
        return []
    t = stored_answer.c
    statement = select(t.station_id, t.epoch, t.seq, t.payload, t.error_code).where(
        marks.of(stored_answer, [frame.link for frame in frames]),
        among(t.seq, {f.seq for f in frames}),
    )
    by_place = {frame.place: frame for frame in frames}
    return [
        Answer(by_place[row.station_id, row.epoch, row.seq], row.payload.encode(), row.error_code)
        for row in (await uow.execute(statement)).all()
        if (row.station_id, row.epoch, row.seq) in by_place
    ]


async def send(bus: Bus, answers: Sequence[Answer]) -> None:
    """After the commit, all at once. A gateway that is gone has no station waiting; any other trouble is
    raised, so that the redelivery sends the kept answer again."""
    messages = [answer.message() for answer in answers if answer.frame.envelope.reply_to]
    results = await asyncio.gather(*(bus.publish(message) for message in messages), return_exceptions=True)
    failed = [result for result in results if result is not None and not isinstance(result, Unroutable)]
    if failed:
        log.warning("answers.not_sent", count=len(failed), why=str(failed[0]))
        raise (
            failed[0] if isinstance(failed[0], Unavailable) else Unavailable("answers_not_sent")
        ) from failed[0]
