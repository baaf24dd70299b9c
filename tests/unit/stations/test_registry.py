"""Stations are registered, found, changed, archived; gateways are told what they ask."""

import hashlib
import hmac
from datetime import timedelta

import pytest
from sqlalchemy import func, select
from tests.support.rooms import PEPPER, a_world

from stationmaster.identity import id_tokens
from stationmaster.kernel.errors import Invalid, NotFound, Refused
from stationmaster.stations import credentials, directory, registry
from stationmaster.stations.model import Refusal
from stationmaster.stations.tables import refused_handshake

pytestmark = pytest.mark.anyio


async def test_a_password_is_shown_once_and_kept_as_a_keyed_digest() -> None:
    async with a_world() as world:
        async with world.database.transaction() as uow:
            _, password = await registry.create(
                uow, station_id="CP1", organisation_id=world.organisation.id, pepper=PEPPER, **world.said
            )
        assert password is not None
        assert len(bytes.fromhex(password)) == 16
        async with world.database.reading() as reader:
            entry = await directory.lookup(reader, "CP1", now=world.now)
        assert entry is not None
        assert entry.key_digest == hmac.digest(PEPPER, password.encode(), hashlib.sha256).hex()


async def test_a_new_password_kills_the_old_one() -> None:
    async with a_world() as world:
        await world.station()
        async with world.database.transaction() as uow:
            first = await directory.lookup(uow, "CP1", now=world.now)
            password = await credentials.rotate(uow, station_id="CP1", pepper=PEPPER, ids=world.ids)
            second = await directory.lookup(uow, "CP1", now=world.now)
        assert first is not None
        assert second is not None
        assert first.key_digest != second.key_digest == credentials.digest_of(password, pepper=PEPPER)


async def test_profile_0_has_no_password_and_3_is_not_there_yet() -> None:
    async with a_world() as world:
        await world.station("open", security_profile=0)
        async with world.database.reading() as reader:
            entry = await directory.lookup(reader, "open", now=world.now)
        assert entry is not None
        assert entry.key_digest is None
        with pytest.raises(Refused):
            await world.station("tls", security_profile=3)


async def test_one_identity_is_one_station() -> None:
    async with a_world() as world:
        await world.station("CP1")
        with pytest.raises(Refused, match="registered already"):
            await world.station("CP1")


@pytest.mark.parametrize("identity", ["", "a" * 49, "a/b", "..", "a b", "ä", "a\x00", "a\\b", "x..y"])
async def test_an_identity_that_could_be_a_path_is_refused(identity: str) -> None:
    async with a_world() as world:
        with pytest.raises(Invalid):
            await world.station(identity)


async def test_an_archived_station_is_known_as_such_and_never_gone() -> None:
    async with a_world() as world:
        await world.station()
        async with world.database.transaction() as uow:
            await registry.archive(uow, station_id="CP1", now=world.now)
            entry = await directory.lookup(uow, "CP1", now=world.now)
            listed = await registry.list_stations(uow, organisation_id=None)
        assert entry is not None
        assert entry.is_archived
        assert listed == []


async def test_another_organisations_station_is_not_found() -> None:
    async with a_world() as world:
        await world.station()
        async with world.database.reading() as reader:
            with pytest.raises(NotFound):
                await registry.get(reader, "CP1", organisation_id="org_other")
            assert await registry.list_stations(reader, organisation_id="org_other") == []


async def test_stations_are_listed_by_page_and_searched_literally() -> None:
    async with a_world() as world:
        for name in ("A1", "A2", "B_1"):
            await world.station(name)
        async with world.database.reading() as reader:
            page = await registry.list_stations(reader, organisation_id=None, limit=2)
            rest = await registry.list_stations(reader, organisation_id=None, after=page[-1].station_id)
            found = await registry.list_stations(reader, organisation_id=None, search="_")
        assert [s.station_id for s in page] == ["A1", "A2"]
        assert [s.station_id for s in rest] == ["B_1"]
        assert [s.station_id for s in found] == ["B_1"]


async def test_the_directory_tells_operators_tokens_and_capture() -> None:
    async with a_world() as world:
        await world.station()
        async with world.database.transaction() as uow:
            for token, is_operator in (("OPCARD", True), ("OTHER", False)):
                await id_tokens.register(
                    uow,
                    token=token,
                    organisation_id=world.organisation.id,
                    payer_kind="organisation",
                    is_operator=is_operator,
                    **world.said,
                )
            await registry.change(uow, "CP1", capture_until=world.now + timedelta(hours=1))
            entry = await directory.lookup(uow, "CP1", now=world.now)
            later = await directory.lookup(uow, "CP1", now=world.now + timedelta(hours=2))
        assert entry is not None
        assert later is not None
        assert (entry.id_tokens, entry.capture, later.capture) == (["OPCARD"], True, False)


async def test_a_gateway_keeps_its_number() -> None:
    async with a_world() as world, world.database.transaction() as uow:
        numbers = [
            await directory.register_gateway(uow, gateway_id=g, now=world.now) for g in ("a", "b", "a")
        ]
        assert numbers == [1, 2, 1]


async def test_leased_ids_are_never_leased_again() -> None:
    async with a_world() as world:
        leased: list[int] = []
        for count in (1, 50, 10):
            async with world.database.transaction() as uow:
                leased += await directory.lease_transaction_ids(uow, count=count)
        assert len(set(leased)) == 61
        assert all(0 < wire_id < 2**31 for wire_id in leased)


async def test_refusals_are_merged_and_cleaned() -> None:
    async with a_world() as world:
        one = Refusal("evil\x00\ud800\n", "10.0.0.9", "unknown_station", world.now, count=2)
        async with world.database.transaction() as uow:
            await directory.refused(uow, [one, one, Refusal("CP2", "10.0.0.9", "wrong_password", world.now)])
            rows = await directory.recently_refused(uow)
            assert (await uow.execute(select(func.count()).select_from(refused_handshake))).scalar() == 2
        assert {(r.station_id, r.count) for r in rows} == {("evil", 4), ("CP2", 1)}
