"""This room's SQL on sessions.

Locks come in one statement and state in the next: after a lock wait, the rows of the locking statement itself
are those of before the wait (performance 9).
"""

from collections.abc import Iterable
from dataclasses import fields, replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, select, update

from stationmaster.charging.model import LIVE, Session, State
from stationmaster.charging.tables import charging_session
from stationmaster.infra.db.database import Reader, UnitOfWork
from stationmaster.infra.db.errors import Violation
from stationmaster.infra.db.values import columns_of

_SESSION = tuple(field.name for field in fields(Session))
_SESSION_COLUMNS = columns_of(Session, charging_session)
LIVE_STATES = sorted(str(state) for state in LIVE)
IS_OPEN = charging_session.c.settled_at.is_(None)
"""Not terminal. Said in this way so that the index of open sessions serves, not the history."""


def _session(row: Row[Any]) -> Session:
    values = dict(zip(_SESSION, row, strict=True))
    return Session(**{**values, "state": State(values["state"])})


async def _sessions(reader: Reader, *where: ColumnElement[bool]) -> list[Session]:
    query = select(*_SESSION_COLUMNS).where(*where).order_by(charging_session.c.id)
    return [_session(row) for row in (await reader.execute(query)).all()]


async def _lock(uow: UnitOfWork, *where: ColumnElement[bool]) -> list[str]:
    """Ascending, as everybody does."""
    query = select(charging_session.c.id).where(*where).order_by(charging_session.c.id)
    return [row.id for row in (await uow.execute(uow.locked(query))).all()]


async def find_session(reader: Reader, session_id: str) -> Session | None:
    found = await _sessions(reader, charging_session.c.id == session_id)
    return found[0] if found else None


async def locked_session(uow: UnitOfWork, session_id: str) -> Session | None:
    """The row is ours until the commit."""
    locked = await _lock(uow, charging_session.c.id == session_id)
    return await find_session(uow, session_id) if locked else None


async def locked_sessions(uow: UnitOfWork, session_ids: Iterable[str]) -> dict[str, Session]:
    wanted = sorted(set(session_ids))
    if not wanted:
        return {}
    here = charging_session.c.id.in_(wanted)
    await _lock(uow, here)
    return {session.id: session for session in await _sessions(uow, here)}


async def locked_for_start(uow: UnitOfWork, *, station_id: str, id_token: str) -> list[Session]:
    """Whoever a StartTransaction at this station may concern: its open sessions, and the token's own."""
    by_token = charging_session.c.one_time_token == id_token
    at_station = (charging_session.c.station_id == station_id) & IS_OPEN
    locked = await _lock(uow, by_token | at_station)
    return await _sessions(uow, charging_session.c.id.in_(locked)) if locked else []


async def live_on_connector(reader: Reader, *, station_id: str, connector_id: int) -> Session | None:
    found = await _sessions(
        reader,
        charging_session.c.station_id == station_id,
        charging_session.c.connector_id == connector_id,
        charging_session.c.state.in_(LIVE_STATES),
        IS_OPEN,
    )
    return found[0] if found else None


async def is_token_charging(
    reader: Reader, *, id_token: str, except_station_id: str, except_connector_id: int
) -> bool:
    """Is a session of this idToken running on any other connector?"""
    elsewhere = (charging_session.c.station_id != except_station_id) | (
        charging_session.c.connector_id != except_connector_id
    )
    query = (
        select(charging_session.c.id)
        .where(
            charging_session.c.id_token == id_token,
            charging_session.c.state.in_([State.ONGOING.value, State.STOPPING.value]),
            elsewhere,
            IS_OPEN,
        )
        .limit(1)
    )
    return (await reader.execute(query)).first() is not None


async def sessions_by_one_time_tokens(reader: Reader, tokens: Iterable[str]) -> dict[str, Session]:
    wanted = sorted(set(tokens))
    found = await _sessions(reader, charging_session.c.one_time_token.in_(wanted)) if wanted else []
    return {session.one_time_token: session for session in found if session.one_time_token}


async def past_start_deadline(reader: Reader, *, now: datetime, limit: int) -> list[str]:
    query = (
        select(charging_session.c.id)
        .where(
            charging_session.c.state.in_([State.PENDING.value, State.STARTING.value]),
            charging_session.c.start_deadline_at <= now,
            IS_OPEN,
        )
        .order_by(charging_session.c.id)
        .limit(limit)
    )
    return [row.id for row in (await reader.execute(query)).all()]


async def unanswered_stops(
    reader: Reader, *, asked_before: datetime, attempts_max: int, limit: int
) -> list[str]:
    query = (
        select(charging_session.c.id)
        .where(
            charging_session.c.state == State.STOPPING.value,
            charging_session.c.stop_requested_at <= asked_before,
            charging_session.c.stop_attempts <= attempts_max,
            IS_OPEN,
        )
        .order_by(charging_session.c.id)
        .limit(limit)
    )
    return [row.id for row in (await reader.execute(query)).all()]


def _row(session: Session) -> dict[str, Any]:
    return {name: getattr(session, name) for name in _SESSION} | {"state": session.state.value}


async def insert_session(uow: UnitOfWork, session: Session) -> None:
    """Raises Duplicate when the connector has a live session."""
    await uow.bulk_insert(charging_session, [_row(session)])


async def try_insert_session(uow: UnitOfWork, session: Session) -> bool:
    """False: somebody else's live session got the connector first. For work that must go on then."""
    await uow.bulk_insert(charging_session, [_row(session)], ignore_conflicts=True)
    mine = select(charging_session.c.id).where(charging_session.c.id == session.id)
    return (await uow.execute(mine)).first() is not None


async def save_session(uow: UnitOfWork, before: Session, after: Session) -> Session:
    """Write what changed of a locked session and count its version up."""
    changed = {name: value for name in _SESSION if (value := getattr(after, name)) != getattr(before, name)}
    if not changed:
        return before
    assert changed.keys().isdisjoint({"id", "created_at", "organisation_id", "station_id", "version"}), (
        changed
    )
    version = before.version + 1
    if "state" in changed:
        changed["state"] = after.state.value
    written = await uow.execute(
        update(charging_session)
        .where(charging_session.c.id == before.id, charging_session.c.version == before.version)
        .values(**changed, version=version)
    )
    if written.rowcount != 1:
        raise Violation("session_version", f"Session {before.id} was changed without its lock.")
    return replace(after, version=version)
