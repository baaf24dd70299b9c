"""The stations of a history in a database, and the rows that its frames leave there."""

from typing import Any

from sqlalchemy import Table, select
from tests.integration.order_histories import BEGIN, ORGANISATION, History

from stationmaster.charging.tables import charging_session, meter_sample, ocpp_transaction
from stationmaster.identity import id_tokens
from stationmaster.identity.tables import organisation
from stationmaster.infra.db.database import Database
from stationmaster.infra.db.tables import link_mark, parked_frame, set_aside_frame, stored_answer
from stationmaster.kernel.ids import SystemIds
from stationmaster.stations import registry
from stationmaster.stations.tables import connector, station

# What must be equal; ids made at random and times of our own clock are left out.
COMPARED: dict[Table, str] = {
    link_mark: "station_id epoch last_seq parked gateway_id closed_at gap_since kept_gaps",
    station: "station_id is_online gateway_id epoch connected_at disconnected_at vendor model last_boot_at",
    connector: "station_id connector_id status error_code status_at status_epoch status_seq version",
    charging_session: "station_id connector_id state sub_reason payer_kind id_token transaction_id "
    "meter_start_wh meter_last_wh meter_last_at meter_stop_wh energy_wh power_w cost_minor is_suspect "
    "is_provisional stop_reason started_at ended_at",
    ocpp_transaction: "transaction_id station_id connector_id id_token meter_start_wh started_at received_at "
    "fingerprint answer stop_fingerprint stopped_at meter_stop_wh stop_reason stop_id_token",
    meter_sample: "station_id connector_id sampled_at digest transaction_id epoch seq energy_wh power_w "
    "samples",
    stored_answer: "station_id epoch seq message_id payload error_code",
    parked_frame: "station_id epoch seq",
    set_aside_frame: "station_id epoch seq reason",
}

# What tells of the way there and not of the end, where both links of a station are delivered together. A
# reading that comes after the stop is a sample of its session and no last value any more: what was settled
# stays. A status that comes after a newer one changes nothing, so there is one change less to count.
# Everything else must be equal.
OF_THE_WAY: dict[Table, str] = {
    charging_session: "meter_last_wh meter_last_at power_w",
    connector: "version",
}


async def prepare(database: Database, histories: list[History]) -> None:
    """The same rows in both databases."""
    ids = SystemIds()
    async with database.transaction() as uow:
        await uow.bulk_insert(organisation, [{"id": ORGANISATION, "name": "Order", "created_at": BEGIN}])
    for history in histories:
        async with database.transaction() as uow:
            for station_id in history.stations:
                await registry.create(
                    uow,
                    station_id=station_id,
                    organisation_id=ORGANISATION,
                    security_profile=0,
                    connector_count=2,
                    now=BEGIN,
                    ids=ids,
                )
                await id_tokens.register(
                    uow,
                    token=f"T-{station_id}",
                    organisation_id=ORGANISATION,
                    payer_kind="free",
                    payer_reason="test",
                    now=BEGIN,
                    ids=ids,
                )


async def rows(
    database: Database, table: Table, stations: list[str], *, without: str = ""
) -> list[tuple[Any, ...]]:
    """Comparable rows of these stations."""
    columns = [table.c[name] for name in COMPARED[table].split() if name not in without.split()]
    async with database.reading() as reader:
        found = await reader.execute(select(*columns).where(table.c.station_id.in_(stations)))
        return sorted((tuple(row) for row in found.all()), key=repr)
