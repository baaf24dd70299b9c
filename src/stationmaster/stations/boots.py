"""What a station says of itself when it boots."""

from collections.abc import Sequence

from sqlalchemy import select

from stationmaster.infra.db.among import among
from stationmaster.infra.db.database import UnitOfWork
from stationmaster.stations import facts
from stationmaster.stations.model import Boot
from stationmaster.stations.tables import station

TEXT_MAX = 100
"""The standard allows 50 characters at most; stations are forgiven twice that, not a novel."""


async def apply(uow: UnitOfWork, boots: Sequence[Boot]) -> None:
    """The newest boot of each station wins; one of an older link, or earlier on this link, is history."""
    wanted = sorted({boot.station_id for boot in boots})
    if not wanted:
        return
    here = among(station.c.station_id, wanted)
    await uow.execute(uow.locked(select(station.c.station_id).where(here).order_by(station.c.station_id)))
    rows = await uow.execute(
        select(
            station.c.station_id,
            station.c.organisation_id,
            station.c.epoch,
            station.c.last_boot_at,
            station.c.version,
        ).where(here)
    )
    known = {row.station_id: row for row in rows.all()}
    newest: dict[str, Boot] = {}
    for boot in boots:
        row = known.get(boot.station_id)
        if row is None or boot.epoch < row.epoch:
            continue
        since = newest[boot.station_id].at if boot.station_id in newest else row.last_boot_at
        if since is None or boot.at >= since:
            newest[boot.station_id] = boot
    for station_id, boot in newest.items():
        row = known[station_id]
        uow.announce(facts.booted(boot, organisation_id=row.organisation_id, version=row.version + 1))
    if newest:
        changes = [_columns(newest[key], known[key].version + 1) for key in sorted(newest)]
        await uow.bulk_update(station, changes, key=("station_id",))


def _columns(boot: Boot, version: int) -> dict[str, object]:
    return {
        "station_id": boot.station_id,
        "vendor": boot.vendor[:TEXT_MAX],
        "model": boot.model[:TEXT_MAX],
        "serial_number": boot.serial_number[:TEXT_MAX],
        "firmware_version": boot.firmware_version[:TEXT_MAX],
        "last_boot_at": boot.at,
        "boot_reason": boot.reason[:TEXT_MAX],
        "version": version,
    }
