"""Meter values of a whole batch: stored, folded into the sessions they belong to, shown, and limits kept.

Set-based: two statements find the sessions (lock, then load), one stores the samples, one writes the
sessions back; they do not grow with the batch. Only what is unusual (an id that is no open session's, a
limit reached) costs more.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from stationmaster.charging import facts, meter_store, samples, stops, store, transaction_store
from stationmaster.charging.meter_store import Metered
from stationmaster.charging.model import DEFAULT_POLICY, ChargingPolicy, MeterReading, MeterReport, State
from stationmaster.charging.rules.fold import Folded, fold
from stationmaster.infra.db.database import UnitOfWork
from stationmaster.kernel.ids import IdSource

ENERGY_LIMIT_REASON = "limit_energy"
AMOUNT_LIMIT_REASON = "limit_amount"


@dataclass(slots=True)
class _Open:
    """The open sessions of the batch's stations, by the two ways a report can name one."""

    by_transaction: dict[tuple[str, int], Metered] = field(default_factory=dict)
    by_connector: dict[tuple[str, int], Metered] = field(default_factory=dict)

    def of(self, report: MeterReport) -> Metered | None:
        if report.transaction_id is not None:
            return self.by_transaction.get((report.station_id, report.transaction_id))
        # Clock-aligned values name no transaction (OCPP 1.6, 4.7); the register is the connector's all the
        # same.
        return self.by_connector.get((report.station_id, report.connector_id))


async def apply(
    uow: UnitOfWork,
    reports: Sequence[MeterReport],
    *,
    now: datetime,
    ids: IdSource,
    policy: ChargingPolicy = DEFAULT_POLICY,
) -> None:
    """Late reports are stored and move nothing; after a session's end they are evidence, never money."""
    found = await _open_sessions(uow, {report.station_id for report in reports})
    strays = await _strays(uow, [r for r in reports if found.of(r) is None and r.transaction_id is not None])
    rows: list[dict[str, Any]] = []
    readings: dict[str, list[MeterReading]] = {}
    touched: dict[str, Metered] = {}
    for report in reports:
        session = found.of(report)
        stray = strays.get((report.station_id, report.transaction_id))
        rows += samples.rows_of(
            report.values,
            station_id=report.station_id,
            connector_id=report.connector_id,
            transaction_id=report.transaction_id,
            session_id=session.id if session else stray,
            epoch=report.epoch,
            seq=report.seq,
        )
        if session is not None and not report.is_late:
            touched[session.id] = session
            readings.setdefault(session.id, []).extend(v.reading for v in report.values)
    await transaction_store.insert_samples(uow, rows)
    folded = [
        (session, result)
        for id_, session in sorted(touched.items())
        if (result := _fold(session, readings[id_], policy)) is not None
    ]
    await meter_store.write(uow, folded)
    for session, result in folded:
        _tell(uow, session, result, now=now)
    for session, result in folded:
        await _keep_limit(uow, session, result, now=now, ids=ids, policy=policy)


async def _open_sessions(uow: UnitOfWork, station_ids: set[str]) -> _Open:
    found = _Open()
    for session in await meter_store.locked(uow, station_ids):
        if session.transaction_id is not None:
            found.by_transaction[session.station_id, session.transaction_id] = session
        if session.state in {State.ONGOING, State.STOPPING}:
            found.by_connector[session.station_id, session.connector_id] = session
    return found


async def _strays(uow: UnitOfWork, reports: Sequence[MeterReport]) -> dict[tuple[str, int | None], str]:
    """Sessions of reports whose transaction is none of the open ones: ended, or known by another id.
    Their samples are kept with the session, and change nothing."""
    if not reports:
        return {}
    known = await transaction_store.transactions(
        uow, [r.transaction_id for r in reports if r.transaction_id is not None]
    )
    return {
        (r.station_id, r.transaction_id): known[r.transaction_id].session_id
        for r in reports
        if r.transaction_id in known and known[r.transaction_id].station_id == r.station_id
    }


def _fold(session: Metered, readings: Sequence[MeterReading], policy: ChargingPolicy) -> Folded | None:
    """None: nothing that moves a session was told."""
    if all(reading.is_empty for reading in readings):
        return None
    result = fold(
        session.running,
        readings,
        terms=session.terms,
        ceiling_minor=session.ceiling_minor,
        limit_energy_wh=session.limit_energy_wh,
        policy=policy,
    )
    return None if result.running == session.running and not result.limit else result


def _tell(uow: UnitOfWork, session: Metered, result: Folded, *, now: datetime) -> None:
    """At most one hint per session and batch."""
    running = result.running
    uow.hint(
        facts.meter_values_updated(
            session_id=session.id,
            version=session.version + 1,
            organisation_id=session.organisation_id,
            driver_id=session.driver_id,
            station_id=session.station_id,
            connector_id=session.connector_id,
            energy_wh=running.energy_wh,
            power_w=running.power_w,
            soc_percent=running.soc_percent,
            cost_minor=running.cost_minor,
            currency=session.currency,
            at=running.meter_last_at or now,
        )
    )


async def _keep_limit(
    uow: UnitOfWork, session: Metered, result: Folded, *, now: datetime, ids: IdSource, policy: ChargingPolicy
) -> None:
    """Warn once when the money runs low, stop once when it is used up."""
    if session.state is not State.ONGOING or not (result.limit or result.is_near_limit):
        return
    fresh = await store.find_session(uow, session.id)
    assert fresh is not None, "its row is locked"
    if result.is_near_limit:
        uow.announce(facts.session_updated(fresh, at=now, nearLimit=True))
    if result.limit:
        why = AMOUNT_LIMIT_REASON if result.limit == "amount" else ENERGY_LIMIT_REASON
        await stops.ask_locked(uow, fresh, actor=stops.LIMIT, now=now, ids=ids, policy=policy, why=why)
