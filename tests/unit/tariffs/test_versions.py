"""Prices change by new versions only."""

from datetime import timedelta

import pytest
from tests.support.rooms import World, a_world

from stationmaster.kernel.errors import Invalid, NotFound
from stationmaster.tariffs import versions
from stationmaster.tariffs.model import Tariff, TariffVersion

pytestmark = pytest.mark.anyio


async def a_tariff(world: World, per_kwh: int = 1800) -> tuple[Tariff, TariffVersion]:
    async with world.database.transaction() as uow:
        return await versions.create(
            uow,
            organisation_id=world.organisation.id,
            name="Day",
            price_minor_per_kwh=per_kwh,
            tax_bps=1800,
            **world.said,
        )


async def price_at(world: World, tariff_id: str | None, hours: float) -> int | None:
    async with world.database.reading() as reader:
        found = await versions.in_force(reader, tariff_id=tariff_id, at=world.now + timedelta(hours=hours))
    return None if found is None else found.price_minor_per_kwh


async def test_a_version_is_in_force_from_its_date() -> None:
    async with a_world() as world:
        tariff, first = await a_tariff(world)
        assert (first.version, first.currency) == (1, "INR")
        async with world.database.transaction() as uow:
            second = await versions.add_version(
                uow,
                tariff_id=tariff.id,
                price_minor_per_kwh=2000,
                currency="INR",
                valid_from=world.now + timedelta(hours=2),
                **world.said,
            )
        assert second.version == 2
        assert await price_at(world, tariff.id, -1) is None
        assert await price_at(world, tariff.id, 1.99) == 1800
        assert await price_at(world, tariff.id, 2) == 2000
        assert await price_at(world, None, 0) is None


async def test_a_correction_for_the_same_date_wins_by_its_number() -> None:
    async with a_world() as world:
        tariff, _ = await a_tariff(world)
        async with world.database.transaction() as uow:
            await versions.add_version(
                uow,
                tariff_id=tariff.id,
                price_minor_per_kwh=1700,
                currency="INR",
                valid_from=world.now,
                **world.said,
            )
        assert await price_at(world, tariff.id, 0) == 1700


async def test_the_past_keeps_its_price() -> None:
    async with a_world() as world:
        tariff, _ = await a_tariff(world)
        with pytest.raises(Invalid):
            async with world.database.transaction() as uow:
                await versions.add_version(
                    uow,
                    tariff_id=tariff.id,
                    price_minor_per_kwh=1,
                    currency="INR",
                    valid_from=world.now - timedelta(seconds=1),
                    **world.said,
                )


async def test_nonsense_is_refused() -> None:
    async with a_world() as world:
        with pytest.raises(Invalid):
            await a_tariff(world, per_kwh=-1)
        with pytest.raises(NotFound):
            async with world.database.transaction() as uow:
                await versions.add_version(
                    uow,
                    tariff_id="none",
                    price_minor_per_kwh=1,
                    currency="INR",
                    valid_from=world.now,
                    **world.said,
                )


async def test_tariffs_are_an_organisations_own() -> None:
    async with a_world() as world:
        tariff, _ = await a_tariff(world)
        async with world.database.reading() as reader:
            ((mine, known),) = await versions.list_tariffs(reader, organisation_id=world.organisation.id)
            assert (mine, [v.version for v in known]) == (tariff, [1])
            assert await versions.list_tariffs(reader, organisation_id="other") == []
            with pytest.raises(NotFound):
                await versions.get(reader, tariff.id, organisation_id="other")
