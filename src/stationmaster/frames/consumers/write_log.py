"""Write every frame into the log, once (`ocpp.logs`).

The row's key is the frame's own, its time included, so the same frame always makes the same row. The fast
append fails as a whole when one row is there already (a redelivery, or a publish of unknown fate that was
repeated); then the batch is written row by row past what is there.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import msgspec

from stationmaster.contracts import envelope as envelopes
from stationmaster.contracts.facts import OCPP_LOG_CREATED, Fact
from stationmaster.contracts.topology import Names
from stationmaster.frames import store
from stationmaster.frames.ports import OrganisationsOf, Seen
from stationmaster.frames.rules.rows import Row, rows_of
from stationmaster.infra.db.database import Database, UnitOfWork
from stationmaster.infra.db.errors import Duplicate
from stationmaster.kernel.clock import Clock, isoformat_z, parse_time
from stationmaster.kernel.errors import Invalid
from stationmaster.kernel.ids import IdSource

BATCH_MAX = 1000
LINGER_S = 0.2


def queues(names: Names) -> tuple[str, ...]:
    return (names.ocpp_logs,)


class HeartbeatCounts(msgspec.Struct, rename="camel", tag_field="kind", tag="heartbeats"):
    """A gateway's count of one minute, by station (`log.heartbeats`)."""

    minute: str
    counts: dict[str, int]


@dataclass(slots=True)
class Entries:
    """What a batch says: rows by key, and heartbeats by (station, minute)."""

    rows: dict[tuple[object, ...], Row] = field(default_factory=dict)
    heartbeats: dict[tuple[str, datetime], int] = field(default_factory=dict)

    def take(self, body: bytes) -> None:
        """Raises Invalid for what is neither a frame nor a count."""
        try:
            envelope = envelopes.decode(body)
        except msgspec.MsgspecError:
            self._count(body)
            return
        at = parse_time(envelope.timestamp)
        if at is None:
            raise Invalid("bad_timestamp", f"{envelope.timestamp!r} is no time")
        self.rows.update((row.key, row) for row in rows_of(envelope, at))

    def _count(self, body: bytes) -> None:
        try:
            counted = msgspec.json.decode(body, type=HeartbeatCounts)
        except msgspec.MsgspecError as error:
            raise Invalid("not_for_the_log", str(error)) from error
        minute = parse_time(counted.minute)
        if minute is None:
            raise Invalid("bad_timestamp", f"{counted.minute!r} is no time")
        for station_id, count in counted.counts.items():
            key = (station_id, minute)
            self.heartbeats[key] = self.heartbeats.get(key, 0) + count


async def consume_many(
    items: Sequence[bytes],
    *,
    database: Database,
    clock: Clock,
    ids: IdSource,
    organisations_of: OrganisationsOf | None = None,
    seen: Seen | None = None,
) -> None:
    """One unit of work, or two when the fast way fails."""
    entries = Entries()
    for body in items:
        entries.take(body)
    hints = _hints(entries, now=clock.now(), ids=ids)
    try:
        async with database.transaction() as uow:
            await store.append(uow, list(entries.rows.values()))
            await _rest(uow, entries, hints, organisations_of, seen)
    except Duplicate:
        async with database.transaction() as uow:
            await store.append_missing(uow, list(entries.rows.values()))
            await _rest(uow, entries, hints, organisations_of, seen)


async def _rest(
    uow: UnitOfWork,
    entries: Entries,
    hints: Sequence[Fact],
    organisations_of: OrganisationsOf | None,
    seen: Seen | None,
) -> None:
    await store.add_heartbeats(uow, entries.heartbeats)
    if seen is not None and entries.heartbeats:
        await seen(uow, dict(sorted(entries.heartbeats)))
    stations = {hint.station_id for hint in hints if hint.station_id}
    owners: Mapping[str, str] = {}
    if organisations_of is not None and stations:
        owners = await organisations_of(uow, stations)
    for hint in hints:
        uow.hint(msgspec.structs.replace(hint, organisation_id=owners.get(hint.station_id or "")))


def _hints(entries: Entries, *, now: datetime, ids: IdSource) -> list[Fact]:
    """One per station and batch: open log views look again."""
    newest: dict[str, Row] = {}
    counts: dict[str, int] = {}
    for row in entries.rows.values():
        counts[row.device_id] = counts.get(row.device_id, 0) + 1
        if row.device_id not in newest or row.timestamp >= newest[row.device_id].timestamp:
            newest[row.device_id] = row
    return [
        Fact(
            id=ids.new("log"),
            type=OCPP_LOG_CREATED,
            at=isoformat_z(now),
            station_id=station_id,
            data=msgspec.Raw(
                msgspec.json.encode(
                    {
                        "count": counts[station_id],
                        "message": row.message,
                        "timestamp": isoformat_z(row.timestamp),
                    }
                )
            ),
        )
        for station_id, row in newest.items()
    ]
