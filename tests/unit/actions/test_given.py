"""What a gateway told a station by its offline policy is booked; a start that nobody pays for gets a stop."""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from tests.unit.worker.kit import Kit, a_kit

from stationmaster.actions.dispatch import Registry
from stationmaster.charging.tables import ocpp_transaction
from stationmaster.identity.tables import organisation
from stationmaster.kernel.clock import isoformat_z
from stationmaster.stations import registry
from stationmaster.stations.tables import command

pytestmark = pytest.mark.anyio
TRANSACTION = 4711


async def _a_station(kit: Kit) -> None:
    async with kit.database.transaction() as uow:
        await uow.bulk_insert(organisation, [{"id": "org", "name": "O", "created_at": kit.clock.now()}])
        ids = kit.worker._runtime.ids
        now = kit.clock.now()
        await registry.create(
            uow, station_id="ST1", organisation_id="org", security_profile=0, now=now, ids=ids
        )


def _start(kit: Kit, seq: int) -> bytes:
    at = isoformat_z(kit.clock.now())
    payload = {"connectorId": 1, "idTag": "NOBODY", "meterStart": 0, "timestamp": at}
    return kit.frame(seq, "StartTransaction", payload, proposed_transaction_id=TRANSACTION)


def _told(kit: Kit, seq: int, status: str, **more: Any) -> bytes:
    payload = {"idTagInfo": {"status": status}, **more}
    return kit.frame(seq, "StartTransaction", payload, kind="given", answers_seq=seq - 1)


@pytest.mark.parametrize("together", [True, False])
async def test_accepted_offline_and_unpaid_gets_a_remote_stop(tmp_path: Path, together: bool) -> None:
    async with a_kit(tmp_path, registry=Registry()) as kit:
        await _a_station(kit)
        start, told = _start(kit, 1), _told(kit, 2, "Accepted", transactionId=TRANSACTION)
        for batch in [[start, told]] if together else [[start], [told]]:
            await kit.take(*batch)
        [row] = await kit.rows(select(ocpp_transaction.c.transaction_id, ocpp_transaction.c.answer))
        assert (row.transaction_id, '"Accepted"' in row.answer) == (TRANSACTION, True)
        asked = await kit.rows(select(command.c.action, command.c.payload))
        assert [tuple(one) for one in asked] == [
            ("RemoteStopTransaction", f'{{"transactionId":{TRANSACTION}}}')
        ]


async def test_an_authorize_that_was_answered_offline_has_no_consequences(tmp_path: Path) -> None:
    async with a_kit(tmp_path, registry=Registry()) as kit:
        await _a_station(kit)
        given = kit.frame(2, "Authorize", {"idTagInfo": {"status": "Accepted"}}, kind="given", answers_seq=1)
        odd = kit.frame(3, "StartTransaction", ["odd"], kind="given", answers_seq=1)
        await kit.take(kit.frame(1, "Authorize", {"idTag": "NOBODY"}), given, odd)
        assert await kit.rows(select(command)) == []
