"""A command to a station: asked once, sent on, finished once.

Asking writes the row and the message in one commit. The outcome is set by compare-and-set: whoever comes
second (a late answer, the deadline) changes nothing.
"""

from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import select, update

from stationmaster.contracts.commands import CommandOutcome, StationCommand, outcome_queue, request_queue
from stationmaster.infra.bus.port import Message
from stationmaster.infra.db.database import Reader, UnitOfWork
from stationmaster.infra.db.values import columns_of, row_of, value_of
from stationmaster.kernel.clock import isoformat_z
from stationmaster.kernel.errors import NotFound, Refused
from stationmaster.kernel.ids import IdSource
from stationmaster.stations import facts
from stationmaster.stations.model import FINAL_STATES, Command
from stationmaster.stations.tables import command, station

_COLUMNS = columns_of(Command, command)


async def ask(
    uow: UnitOfWork,
    *,
    station_id: str,
    action: str,
    payload: dict[str, Any] | bytes,
    actor: str,
    deadline_at: datetime,
    session_id: str | None = None,
    now: datetime,
    ids: IdSource,
) -> Command:
    """Queue a command. Whether the station is there is found out on the way, and is an outcome too."""
    body = payload if isinstance(payload, bytes) else msgspec.json.encode(payload)
    asked = Command(
        id=ids.new("cmd"),
        station_id=station_id,
        organisation_id=await _organisation_of(uow, station_id),
        action=action,
        payload=body.decode(),
        state="queued",
        status="",
        answer=None,
        error="",
        session_id=session_id,
        actor=actor,
        gateway_id="",
        epoch=0,
        created_at=now,
        deadline_at=deadline_at,
        sent_at=None,
        finished_at=None,
        version=1,
    )
    await uow.bulk_insert(command, [row_of(asked)])
    uow.send(_request(asked))
    uow.announce(facts.command_updated(asked, at=now))
    return asked


async def _organisation_of(reader: Reader, station_id: str) -> str:
    found = (
        await reader.execute(
            select(station.c.organisation_id, station.c.archived_at).where(station.c.station_id == station_id)
        )
    ).first()
    if found is None:
        raise NotFound("unknown_station", f"There is no charging station {station_id!r}.")
    if found.archived_at is not None:
        raise Refused("station_archived", f"Charging station {station_id!r} is archived.")
    return str(found.organisation_id)


def _request(asked: Command) -> Message:
    document = StationCommand(
        command_id=asked.id,
        device_id=asked.station_id,
        command=asked.action,
        payload=msgspec.Raw(asked.payload.encode()),
        timestamp=isoformat_z(asked.created_at),
        deadline_at=isoformat_z(asked.deadline_at),
        session_id=asked.session_id,
    )
    return Message(
        exchange="",
        routing_key=request_queue(asked.action),
        body=msgspec.json.encode(document),
        message_id=asked.id,
    )


def outcome_message(asked: Command, *, state: str, error: str, now: datetime) -> Message:
    """An outcome that we ourselves know (the station did not answer), on its way to whoever waits for it."""
    document = CommandOutcome(
        command_id=asked.id,
        device_id=asked.station_id,
        command=asked.action,
        state=state,
        error=error,
        session_id=asked.session_id,
        epoch=asked.epoch,
        timestamp=isoformat_z(now),
    )
    return Message(
        exchange="",
        routing_key=outcome_queue(asked.action),
        body=msgspec.json.encode(document),
        message_id=f"{asked.id}:{state}",
    )


async def mark_sent(
    uow: UnitOfWork, *, command_id: str, gateway_id: str, epoch: int, now: datetime
) -> Command | None:
    """This gateway and this link are to carry the command: decided once, kept for redeliveries."""
    changed = await uow.execute(
        update(command)
        .where(command.c.id == command_id, command.c.state == "queued")
        .values(state="sent", gateway_id=gateway_id, epoch=epoch, sent_at=now, version=command.c.version + 1)
    )
    if changed.rowcount == 0:
        return None
    return await _told(uow, command_id, at=now)


async def finish(
    uow: UnitOfWork,
    *,
    command_id: str,
    state: str,
    status: str = "",
    answer: bytes | str | None = None,
    error: str = "",
    now: datetime,
) -> Command | None:
    """Set the one outcome. None: there is no such command, or it had its outcome before."""
    assert state in FINAL_STATES, state
    changed = await uow.execute(
        update(command)
        .where(command.c.id == command_id, command.c.finished_at.is_(None))
        .values(
            state=state,
            status=status,
            answer=answer.decode() if isinstance(answer, bytes) else answer,
            error=error,
            finished_at=now,
            version=command.c.version + 1,
        )
    )
    if changed.rowcount == 0:
        return None
    return await _told(uow, command_id, at=now)


async def _told(uow: UnitOfWork, command_id: str, *, at: datetime) -> Command:
    row = (await uow.execute(select(*_COLUMNS).where(command.c.id == command_id))).one()
    changed = value_of(Command, row)
    uow.announce(facts.command_updated(changed, at=at))
    return changed


async def get(reader: Reader, command_id: str) -> Command | None:
    row = (await reader.execute(select(*_COLUMNS).where(command.c.id == command_id))).first()
    return None if row is None else value_of(Command, row)


async def of_station(reader: Reader, station_id: str, *, limit: int = 50) -> list[Command]:
    """Newest first."""
    rows = await reader.execute(
        select(*_COLUMNS)
        .where(command.c.station_id == station_id)
        .order_by(command.c.created_at.desc(), command.c.id.desc())
        .limit(limit)
    )
    return [value_of(Command, row) for row in rows.all()]


async def overdue(reader: Reader, *, before: datetime, limit: int) -> list[Command]:
    """Unfinished commands whose deadline lies before this time, oldest first."""
    rows = await reader.execute(
        select(*_COLUMNS)
        .where(command.c.finished_at.is_(None), command.c.deadline_at < before)
        .order_by(command.c.deadline_at)
        .limit(limit)
    )
    return [value_of(Command, row) for row in rows.all()]
