"""Which gateway carries this command?

The choice (gateway, link epoch) is committed before the command is published, and a redelivery goes only
there: a station that moved to another link meanwhile must not get the command twice.
"""

from datetime import datetime

import msgspec
from sqlalchemy import select

from stationmaster.contracts.commands import StationCommand
from stationmaster.contracts.presence import Place, key_of, read
from stationmaster.contracts.topology import COMMAND_QUEUES, gateway_queue
from stationmaster.infra.bus.port import Bus, Message, Unroutable
from stationmaster.infra.cache.port import Cache
from stationmaster.infra.db.database import Database, Reader, UnitOfWork
from stationmaster.kernel.clock import Clock
from stationmaster.kernel.errors import Unavailable
from stationmaster.stations import commands
from stationmaster.stations.model import Command
from stationmaster.stations.tables import station

QUEUES = COMMAND_QUEUES
PRIORITY = 9


async def consume(item: StationCommand, *, database: Database, bus: Bus, cache: Cache, clock: Clock) -> None:
    """Choose, commit, publish. A publish without confirm raises, and the redelivery finds the choice."""
    heard = await _heard(cache, item.device_id)
    async with database.transaction() as uow:
        carrier = await _choose(uow, item, heard, now=clock.now())
    if carrier is None:
        return
    try:
        await bus.publish(_mail(item, carrier))
    except Unroutable:
        async with database.transaction() as uow:
            await _end(uow, item.command_id, "offline", "the station's gateway is gone", now=clock.now())


async def _heard(cache: Cache, station_id: str) -> Place | None:
    """The cache knows a new link before the frames of the link have been worked on."""
    try:
        return read(await cache.get(key_of(station_id)))
    except Unavailable:
        return None


async def _choose(
    uow: UnitOfWork, item: StationCommand, heard: Place | None, *, now: datetime
) -> Place | None:
    asked = await commands.get(uow, item.command_id)
    if asked is None or asked.finished_at is not None:
        return None
    if asked.deadline_at <= now:
        _say(uow, asked, "expired", "the deadline passed before the command could be sent", now=now)
        return None
    if asked.state == "sent":
        return Place(asked.gateway_id, asked.epoch)
    carrier = await _link_of(uow, asked.station_id, heard)
    if carrier is None:
        _say(uow, asked, "offline", "the station is not connected", now=now)
        return None
    sent = await commands.mark_sent(
        uow, command_id=asked.id, gateway_id=carrier.gateway, epoch=carrier.epoch, now=now
    )
    if sent is None:  # Another delivery of the same command was quicker: it decides.
        return None
    return carrier


async def _link_of(reader: Reader, station_id: str, heard: Place | None) -> Place | None:
    """The newest link of which either knows; the database also knows that a link has ended."""
    row = (
        await reader.execute(
            select(station.c.gateway_id, station.c.epoch, station.c.is_online).where(
                station.c.station_id == station_id
            )
        )
    ).first()
    if row is None or (heard is not None and heard.epoch > row.epoch):
        return heard
    return Place(row.gateway_id, row.epoch) if row.is_online else None


def _mail(item: StationCommand, carrier: Place) -> Message:
    document = msgspec.structs.replace(item, gateway_id=carrier.gateway, epoch=carrier.epoch)
    return Message(
        exchange="",
        routing_key=gateway_queue(carrier.gateway),
        body=msgspec.json.encode(document),
        message_id=item.command_id,
        priority=PRIORITY,
    )


async def _end(uow: UnitOfWork, command_id: str, state: str, error: str, *, now: datetime) -> None:
    asked = await commands.get(uow, command_id)
    if asked is not None and asked.finished_at is None:
        _say(uow, asked, state, error, now=now)


def _say(uow: UnitOfWork, asked: Command, state: str, error: str, *, now: datetime) -> None:
    """The outcome goes to the response queue, where every outcome is finished."""
    uow.send(commands.outcome_message(asked, state=state, error=error, now=now))
