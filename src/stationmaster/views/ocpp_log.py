"""What did stations and we say to each other? The OCPP log, newest first, each call beside its answer.

One statement: a page of the log, bounded by time, and what each of its rows answers or is answered by, found
by the station's index in a few minutes around it. A page costs the same however much has been logged.
"""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final, Literal

import msgspec
from fastapi import APIRouter, Depends, Query
from sqlalchemy import ColumnElement, Row, and_, or_, select

from stationmaster.frames.rules.pairing import ANSWERS_OF, ASKED_BY, partner_of, round_trip_ms
from stationmaster.frames.tables import charger_data
from stationmaster.identity import access
from stationmaster.identity.model import Principal
from stationmaster.infra.db.shifted import shifted
from stationmaster.infra.http import pagination
from stationmaster.infra.http.context import Context, get
from stationmaster.infra.http.wire import Wire, WireTime
from stationmaster.stations.tables import station
from stationmaster.views import asking

router = APIRouter(tags=["screens"])

Ctx = Annotated[Context, Depends(get)]
Kind = Literal["call", "answer", "command", "result", "error", "invalid"]
Direction = Literal["Incoming", "Outgoing"]

FLEET_WINDOW: Final = timedelta(days=7)
"""How far back all stations are looked through when nobody says; one station has an index of its own."""
SEARCH_WINDOW: Final = timedelta(days=1)
"""The same for words, which no index knows: each frame's text is read."""
PAIR_WITHIN_S: Final = 600
"""No answer is awaited for longer, by the station's side or ours."""
_EARLIEST: Final = datetime(2000, 1, 1, tzinfo=UTC)
_KEY: Final = (datetime, str, int, int, str)
_PAIR: Final = ("timestamp", "device_id", "epoch", "kind", "seq", "message_data")


class LogPair(Wire):
    """The answer to a row, or what it answers."""

    id: str
    kind: str
    data: Any
    timestamp: WireTime


class LogRow(Wire):
    """``round_trip_ms`` null: not answered, or answered by the gateway at once."""

    id: str
    device_id: str
    charger_id: str
    message: str
    direction: str
    kind: str
    message_id: str
    timestamp: WireTime
    data: Any
    raw: str | None
    flags: list[str]
    round_trip_ms: int | None
    pair: LogPair | None


class LogPage(Wire):
    """``searched_from``: nothing older was looked at; null: everything that is kept was."""

    items: list[LogRow]
    next_cursor: str | None = None
    searched_from: WireTime | None = None


@router.get("/api/cms/ocpp-log")
async def list_ocpp_log(
    ctx: Ctx,
    who: access.Operator,
    device_id: Annotated[asking.Words | None, Query(alias="deviceId")] = None,
    type_: Annotated[list[asking.Words] | None, Query(alias="type", max_length=asking.MANY_MAX)] = None,
    exclude: Annotated[list[asking.Words] | None, Query(max_length=asking.MANY_MAX)] = None,
    kind: Annotated[list[Kind] | None, Query(max_length=asking.MANY_MAX)] = None,
    direction: Direction | None = None,
    since: Annotated[asking.Moment | None, Query(alias="from")] = None,
    until: Annotated[asking.Moment | None, Query(alias="to")] = None,
    search: asking.Words = "",
    cursor: pagination.Cursor = None,
    limit: pagination.Limit = asking.PAGE,
) -> LogPage:
    """``type`` and ``exclude`` (both repeatable) are message types; ``search`` is in the message id or the
    frame's text. Without ``deviceId`` and ``from`` a week is looked through, a day when searching."""
    if since is None and device_id is None:
        since = max(until or ctx.runtime.clock.now(), _EARLIEST) - (SEARCH_WINDOW if search else FLEET_WINDOW)
    t = charger_data.c
    wanted = [
        None if device_id is None else t.device_id == device_id,
        None if since is None else t.timestamp >= since,
        None if until is None else t.timestamp < until,
        t.message.in_(type_) if type_ else None,
        t.message.not_in(exclude) if exclude else None,
        t.kind.in_(kind) if kind else None,
        None if direction is None else t.direction == direction,
        _holds(search) if search else None,
        _before(asking.place(cursor, *_KEY)),
    ]
    query = _with_pairs(_page(who, [one for one in wanted if one is not None], limit + 1))
    async with ctx.database.reading() as reader:
        rows = _once_each((await reader.execute(query)).all())
    more = _id(rows[limit - 1], "") if len(rows) > limit else None
    return LogPage(items=[_item(row) for row in rows[:limit]], next_cursor=more, searched_from=since)


def _holds(search: str) -> ColumnElement[bool]:
    t = charger_data.c
    return or_(t.message_id.icontains(search, autoescape=True), t.raw.icontains(search, autoescape=True))


def _before(key: list[Any] | None) -> ColumnElement[bool] | None:
    """Further down than this row. The first comparison says to the index where to begin."""
    if key is None:
        return None
    at, device_id, epoch, seq, kind = key
    t = charger_data.c
    further = t.kind > kind
    for column, value in ((t.seq, seq), (t.epoch, epoch), (t.device_id, device_id), (t.timestamp, at)):
        further = or_(column < value, and_(column == value, further))
    return and_(t.timestamp <= at, further)


def _order(t: Any) -> tuple[Any, ...]:
    """Newest first; of one moment, an answer (by the alphabet's luck) before the call that it answers."""
    return t.timestamp.desc(), t.device_id.desc(), t.epoch.desc(), t.seq.desc(), t.kind.asc()


def _page(who: Principal, wanted: list[Any], limit: int) -> Any:
    query = select(charger_data).where(*wanted)
    if who.organisation_id is not None:
        query = query.join(station, station.c.station_id == charger_data.c.device_id)
        query = query.where(station.c.organisation_id == who.organisation_id)
    return query.order_by(*_order(charger_data.c)).limit(limit).cte("page")


def _with_pairs(page: Any) -> Any:
    pair = charger_data.alias("pair")
    near = and_(
        pair.c.device_id == page.c.device_id,
        pair.c.epoch == page.c.epoch,
        pair.c.timestamp >= shifted(page.c.timestamp, -PAIR_WITHIN_S),
        pair.c.timestamp <= shifted(page.c.timestamp, PAIR_WITHIN_S),
    )
    belongs = or_(*(_belongs(page.c, pair.c, kind) for kind in (*ANSWERS_OF, *ASKED_BY)))
    return (
        select(page, *(pair.c[name].label(f"pair_{name}") for name in _PAIR))
        .outerjoin(pair, and_(near, belongs))
        .order_by(*_order(page.c), pair.c.timestamp)
    )


def _belongs(row: Any, other: Any, kind: str) -> ColumnElement[bool]:
    """The rule of frames/rules/pairing.py for rows of this kind, in SQL."""
    partner = partner_of(kind)
    assert partner is not None
    same = other.seq == row.seq if partner.by_seq else other.message_id == row.message_id
    return and_(row.kind == kind, other.kind.in_(partner.kinds), same)


def _once_each(rows: Any) -> list[Row[Any]]:
    """An answer that was sent again is a second row: the first one counts."""
    first: dict[tuple[Any, ...], Row[Any]] = {}
    for row in rows:
        first.setdefault((row.timestamp, row.device_id, row.epoch, row.kind, row.seq), row)
    return list(first.values())


def _item(row: Row[Any]) -> LogRow:
    pair = None
    took = None
    if row.pair_timestamp is not None:
        pair = LogPair(
            id=_id(row, "pair_"),
            kind=row.pair_kind,
            data=_json(row.pair_message_data),
            timestamp=row.pair_timestamp,
        )
        took = round_trip_ms(*sorted((row.timestamp, row.pair_timestamp)))
    return LogRow(
        id=_id(row, ""),
        device_id=row.device_id,
        charger_id=row.charger_id,
        message=row.message,
        direction=row.direction,
        kind=row.kind,
        message_id=row.message_id,
        timestamp=row.timestamp,
        data=_json(row.message_data),
        raw=row.raw,
        flags=_json(row.flags) or [],
        round_trip_ms=took,
        pair=pair,
    )


def _id(row: Row[Any], prefix: str) -> str:
    """Made of the row's key; also the cursor behind it."""
    at, *rest = (getattr(row, prefix + name) for name in ("timestamp", "device_id", "epoch", "seq", "kind"))
    return pagination.encode([at.isoformat(), *rest])


def _json(text: str | None) -> Any:
    """Stations send anything: what cannot be read is shown as it is."""
    if text is None:
        return None
    try:
        return msgspec.json.decode(text)
    except (msgspec.MsgspecError, UnicodeEncodeError, RecursionError):
        return text
