"""The narrow read and write of sessions that meter values need: the hot path carries no column it does
not use."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, select

from stationmaster.charging.model import DELIVERING, State
from stationmaster.charging.rules.fold import Folded, Running
from stationmaster.charging.store import IS_OPEN
from stationmaster.charging.tables import charging_session
from stationmaster.infra.db.database import UnitOfWork
from stationmaster.tariffs.model import TariffTerms

_c = charging_session.c
_COLUMNS = (
    _c.id, _c.state, _c.version, _c.organisation_id, _c.station_id, _c.connector_id, _c.driver_id,
    _c.transaction_id, _c.price_minor_per_kwh, _c.tax_bps, _c.currency, _c.hold_generation,
    _c.hold_amount_minor, _c.limit_energy_wh, _c.is_suspect, _c.suspect_reason,
    _c.meter_start_wh, _c.meter_last_wh, _c.meter_last_at,
    _c.energy_wh, _c.power_w, _c.soc_percent, _c.cost_minor,
)  # fmt: skip
_DELIVERING = sorted(str(state) for state in DELIVERING)
REASONS_MAX = 200


@dataclass(slots=True)
class Metered:
    """What meter values need to know of an open session."""

    id: str
    state: State
    version: int
    organisation_id: str
    station_id: str
    connector_id: int
    driver_id: str | None
    transaction_id: int | None
    terms: TariffTerms
    ceiling_minor: int | None
    limit_energy_wh: int | None
    is_suspect: bool
    suspect_reason: str
    running: Running

    @property
    def currency(self) -> str:
        return self.terms.currency


def _metered(row: Row[Any]) -> Metered:
    values: Sequence[Any] = row
    (
        id_, state, version, organisation_id, station_id, connector_id, driver_id, transaction_id, price, tax,
        currency, generation, held, limit_wh, is_suspect, reason, *running,
    ) = values  # fmt: skip
    return Metered(
        id_,
        State(state),
        version,
        organisation_id,
        station_id,
        connector_id,
        driver_id,
        transaction_id,
        TariffTerms(price, tax, currency),
        held if generation else None,
        limit_wh,
        is_suspect,
        reason,
        Running(*running),
    )


async def locked(uow: UnitOfWork, station_ids: Iterable[str]) -> list[Metered]:
    """The sessions of these stations whose transaction may be running."""
    here = _c.station_id.in_(sorted(station_ids)) & _c.state.in_(_DELIVERING) & IS_OPEN
    rows = await uow.execute(uow.locked(select(_c.id).where(here).order_by(_c.id)))
    ids = [row[0] for row in rows.all()]
    if not ids:
        return []
    return [_metered(row) for row in (await uow.execute(select(*_COLUMNS).where(_c.id.in_(ids)))).all()]


async def write(uow: UnitOfWork, folded: Sequence[tuple[Metered, Folded]]) -> None:
    """All sessions of the batch in one statement."""
    if folded:
        await uow.bulk_update(
            charging_session, [_row(session, result) for session, result in folded], key=("id",)
        )


def _row(session: Metered, result: Folded) -> dict[str, Any]:
    running = result.running
    return {
        "id": session.id,
        "meter_start_wh": running.meter_start_wh,
        "meter_last_wh": running.meter_last_wh,
        "meter_last_at": running.meter_last_at,
        "energy_wh": running.energy_wh,
        "power_w": running.power_w,
        "soc_percent": running.soc_percent,
        # The price of free sessions and orphans is frozen at 0.
        "cost_minor": running.cost_minor,
        "is_suspect": session.is_suspect or bool(result.suspect),
        "suspect_reason": _reasons(session.suspect_reason, result.suspect),
        "version": session.version + 1,
    }


def _reasons(before: str, new: str) -> str:
    """Each doubt once."""
    said = [reason for reason in before.split(",") if reason]
    return ",".join([*said, *([new] if new and new not in said else [])])[:REASONS_MAX]
