"""What gateways ask: who is this station, what is my number, which transaction ids may I give away."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select, update

from stationmaster.identity import id_tokens
from stationmaster.infra.db.database import Reader, UnitOfWork
from stationmaster.infra.db.tables import counter
from stationmaster.infra.db.values import columns_of, value_of
from stationmaster.kernel.errors import Invalid, Refused
from stationmaster.kernel.ids import transaction_id_of
from stationmaster.stations.model import DirectoryEntry, Refusal
from stationmaster.stations.tables import gateway, refused_handshake, station

GATEWAY_NUMBER_MAX = 4095
"""The low 12 bits of an epoch."""

LEASE_MAX = 1000
"""Ids that one gateway may hold in advance: two billion are enough for many leases, not for greedy ones."""

REFUSALS_MAX = 1000
TEXT_MAX = 200


async def lookup(reader: Reader, identity: str, *, now: datetime) -> DirectoryEntry | None:
    """None: nobody of that name is registered."""
    row = (await reader.execute(select(station).where(station.c.station_id == identity))).first()
    if row is None:
        return None
    return DirectoryEntry(
        station_id=row.station_id,
        charger_id=row.charger_id,
        security_profile=row.security_profile,
        key_digest=row.key_digest,
        is_archived=row.archived_at is not None,
        capture=row.capture_until is not None and row.capture_until > now,
        epoch=row.epoch,
        id_tokens=await id_tokens.of_operators(reader, organisation_id=row.organisation_id),
    )


async def register_gateway(uow: UnitOfWork, *, gateway_id: str, now: datetime) -> int:
    """The gateway's number, issued once: the same gateway gets the same number for ever."""
    if not 1 <= len(gateway_id) <= TEXT_MAX:
        raise Invalid("bad_gateway_id", f"A gateway's id has 1 to {TEXT_MAX} characters.")
    here = gateway.c.gateway_id == gateway_id
    known = (await uow.execute(select(gateway.c.number).where(here))).first()
    if known is not None:
        await uow.execute(update(gateway).where(here).values(seen_at=now))
        return int(known.number)
    number = await _take(uow, "gateway_number", count=1)
    if number > GATEWAY_NUMBER_MAX:
        raise Refused("gateway_numbers_exhausted", "All gateway numbers are taken.")
    row = {"number": number, "gateway_id": gateway_id, "registered_at": now, "seen_at": now}
    await uow.bulk_insert(gateway, [row], ignore_conflicts=True)
    # Two registrations of one id at once: the counter's lock put one behind the other; the first row stands.
    return int((await uow.execute(select(gateway.c.number).where(here))).scalar())


async def lease_transaction_ids(uow: UnitOfWork, *, count: int) -> list[int]:
    """Wire transaction ids that nobody else will ever get."""
    if not 1 <= count <= LEASE_MAX:
        raise Invalid("bad_count", f"Between 1 and {LEASE_MAX} ids can be leased at once.")
    first = await _take(uow, "transaction_id", count=count)
    return [transaction_id_of(sequence) for sequence in range(first, first + count)]


async def _take(uow: UnitOfWork, name: str, *, count: int) -> int:
    """The first of ``count`` consecutive numbers. The update holds the row until the commit."""
    here = counter.c.name == name
    changed = await uow.execute(update(counter).where(here).values(value=counter.c.value + count))
    if changed.rowcount == 0:
        await uow.bulk_insert(counter, [{"name": name, "value": 0}], ignore_conflicts=True)
        await uow.execute(update(counter).where(here).values(value=counter.c.value + count))
    value = int((await uow.execute(select(counter.c.value).where(here))).scalar())
    return value - count + 1


async def refused(uow: UnitOfWork, refusals: Sequence[Refusal]) -> None:
    """Keep what was turned away, once per station, address and reason of the batch."""
    merged: dict[tuple[str, str, str], Refusal] = {}
    counts: dict[tuple[str, str, str], int] = {}
    for refusal in refusals[:REFUSALS_MAX]:
        key = (refusal.station_id, refusal.remote_address, refusal.reason)
        merged[key] = refusal
        counts[key] = counts.get(key, 0) + refusal.count
    if merged:
        await uow.bulk_insert(
            refused_handshake, [_refusal_row(merged[key], counts[key]) for key in sorted(merged)]
        )


def _refusal_row(refusal: Refusal, count: int) -> dict[str, object]:
    """The texts come from strangers: cut, and without what a database text cannot hold."""
    return {
        "station_id": _clean(refusal.station_id),
        "remote_address": _clean(refusal.remote_address),
        "reason": _clean(refusal.reason),
        "detail": _clean(refusal.detail),
        "gateway_id": _clean(refusal.gateway_id),
        "count": count,
        "at": refusal.at,
    }


def _clean(text: str) -> str:
    return "".join(c for c in text if c.isprintable())[:TEXT_MAX].encode("utf-8", "replace").decode()


async def recently_refused(reader: Reader, *, limit: int = 100) -> list[Refusal]:
    """Newest first."""
    columns = columns_of(Refusal, refused_handshake)
    rows = await reader.execute(
        select(*columns).order_by(refused_handshake.c.at.desc(), refused_handshake.c.id.desc()).limit(limit)
    )
    return [value_of(Refusal, row) for row in rows.all()]
