"""A session's money, from the hold to the receipt."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text
from tests.support.rooms import World, a_world, data_of

from stationmaster.kernel.errors import InsufficientFunds, Refused
from stationmaster.wallet import accounts, holds, invariants, ledger, organisation_pays, wallets
from stationmaster.wallet import credits as wallet_credits
from stationmaster.wallet.model import Balance, Posted, Posting, SettledHold, Split, Transfer
from stationmaster.wallet.rules import accounts as codes

pytestmark = pytest.mark.anyio

CURRENCY = "INR"


async def credited(world: World, amount: int, key: str = "k1", driver: str = "d") -> Posted:
    async with world.database.transaction() as uow:
        return await wallet_credits.credit(
            uow,
            driver_id=driver,
            amount_minor=amount,
            currency=CURRENCY,
            reason="cash",
            actor="operator:1",
            key=key,
            **world.said,
        )


async def held(world: World, amount: int, session: str = "s1", generation: int = 1) -> None:
    async with world.database.transaction() as uow:
        await holds.place(
            uow,
            session_id=session,
            generation=generation,
            driver_id="d",
            amount_minor=amount,
            currency=CURRENCY,
            expires_at=world.now + timedelta(hours=1),
            actor="driver:d",
            **world.said,
        )


async def settled(world: World, capture: Split, overrun: Split | None = None, **values: Any) -> SettledHold:
    given = {"session_id": "s1", "generation": 1, **values}
    async with world.database.transaction() as uow:
        return await holds.settle(
            uow,
            driver_id="d",
            organisation_id="o",
            currency=CURRENCY,
            capture=capture,
            overrun=overrun,
            actor="system",
            **given,
            **world.said,
        )


async def released(world: World, session: str = "s1", generation: int = 1) -> int:
    async with world.database.transaction() as uow:
        return await holds.release(
            uow, session_id=session, generation=generation, currency=CURRENCY, actor="system", **world.said
        )


async def balance(world: World) -> Balance:
    async with world.database.reading() as reader:
        assert await invariants.breaches(reader, now=world.now) == []
        return await wallets.balance(reader, "d")


async def earned(world: World) -> tuple[int, int, int]:
    """Organisation, fee, tax."""
    async with world.database.reading() as reader:
        organisation = -await accounts.sum_of(reader, codes.organisation("o"))
        fee = -await accounts.sum_of(reader, codes.PLATFORM_FEE)
        return organisation, fee, -await accounts.sum_of(reader, codes.TAX)


async def test_a_charge_is_held_captured_and_the_rest_returned() -> None:
    """The sources' example: prepaid 200, used 136.60, returned 63.40."""
    async with a_world() as world:
        await credited(world, 50_000)
        await held(world, 20_000)
        assert await balance(world) == Balance(30_000, 20_000, CURRENCY)
        assert await settled(world, Split(12_294, 1_366)) == SettledHold(13_660, 6_340)
        assert await balance(world) == Balance(36_340, 0, CURRENCY)
        assert await earned(world) == (12_294, 1_366, 0)


async def test_settling_again_returns_the_first_result() -> None:
    async with a_world() as world:
        await credited(world, 1_000)
        await held(world, 500)
        first = await settled(world, Split(450, 50), Split(900, 100))
        assert await settled(world, Split(450, 50), Split(900, 100)) == first
        assert await settled(world, Split(1), None) == first, "whatever somebody makes of it later"
        assert first == SettledHold(500, 0, overrun_paid_minor=500, overrun_owed_minor=500)


async def test_an_overrun_takes_the_wallet_first_and_then_is_owed() -> None:
    async with a_world() as world:
        await credited(world, 1_000)
        await held(world, 900)
        assert await settled(world, Split(810, 90), Split(180, 20, 36)) == SettledHold(900, 0, 100, 136)
        assert await balance(world) == Balance(0, 0, CURRENCY, owed_minor=136)
        assert await earned(world) == (990, 110, 36)


async def test_what_is_owed_blocks_the_next_start_until_a_credit_pays_it() -> None:
    async with a_world() as world:
        await credited(world, 100)
        await held(world, 100)
        await settled(world, Split(100), Split(50))
        with pytest.raises(InsufficientFunds) as refused:
            await held(world, 10, session="s2")
        assert refused.value.code == "amount_owed"
        await credited(world, 30, key="k2")
        assert await balance(world) == Balance(0, 0, CURRENCY, owed_minor=20)
        await credited(world, 100, key="k3")
        assert await balance(world) == Balance(80, 0, CURRENCY, owed_minor=0)
        await held(world, 10, session="s2")


async def test_an_unfunded_session_is_all_overrun() -> None:
    async with a_world() as world:
        await credited(world, 30)
        first = await settled(world, Split(), Split(90, 10), generation=0)
        assert first == SettledHold(0, 0, 30, 70)
        assert await settled(world, Split(), Split(90, 10), generation=0) == first
        assert await settled(world, Split(), None, generation=0, session_id="s2") == SettledHold(0, 0)


async def test_not_enough_money_leaves_the_unit_of_work_usable() -> None:
    async with a_world() as world:
        await credited(world, 100)
        async with world.database.transaction() as uow:
            with pytest.raises(InsufficientFunds):
                await holds.place(
                    uow,
                    session_id="s1",
                    generation=1,
                    driver_id="d",
                    amount_minor=101,
                    currency=CURRENCY,
                    expires_at=world.now,
                    actor="driver:d",
                    **world.said,
                )
            assert await holds.find(uow, session_id="s1", generation=1) is None
            assert await ledger.find_by_key(uow, holds.hold_key("s1", 1)) is None
        assert await balance(world) == Balance(100, 0, CURRENCY)


async def test_placing_again_holds_once() -> None:
    async with a_world() as world:
        await credited(world, 100)
        await held(world, 100)
        await held(world, 100)
        assert await balance(world) == Balance(0, 100, CURRENCY)
        with pytest.raises(Refused, match="something else"):
            await held(world, 99)


async def test_a_release_returns_all_and_a_later_generation_can_be_settled() -> None:
    """A start that failed and then began after all holds again."""
    async with a_world() as world:
        await credited(world, 100)
        await held(world, 60)
        assert await released(world) == 60
        assert await released(world) == 60
        assert await balance(world) == Balance(100, 0, CURRENCY)
        await held(world, 60, generation=2)
        assert await settled(world, Split(40), generation=2) == SettledHold(40, 20)
        assert await balance(world) == Balance(60, 0, CURRENCY)


async def test_settling_nothing_is_a_release() -> None:
    async with a_world() as world:
        await credited(world, 100)
        await held(world, 60)
        assert await settled(world, Split()) == SettledHold(0, 60)
        assert await settled(world, Split()) == SettledHold(0, 60)
        await held(world, 60, generation=2)
        assert await settled(world, Split(60), generation=2) == SettledHold(60, 0)


async def test_a_closed_hold_is_not_captured_and_a_captured_one_not_released() -> None:
    async with a_world() as world:
        await credited(world, 100)
        await held(world, 60)
        with pytest.raises(Refused, match="overrun"):
            await settled(world, Split(61))
        await released(world)
        with pytest.raises(Refused, match="closed already"):
            await settled(world, Split(10))
        await held(world, 60, session="s2")
        await settled(world, Split(10), session_id="s2")
        with pytest.raises(Refused, match="was captured"):
            await released(world, session="s2")


async def test_the_same_credit_key_credits_once() -> None:
    async with a_world() as world:
        first = await credited(world, 100)
        again = await credited(world, 100)
        assert (again.public_id, again.is_replay) == (first.public_id, True)
        assert await balance(world) == Balance(100, 0, CURRENCY)
        with pytest.raises(Refused):
            await credited(world, 101)
        with pytest.raises(Refused):
            await credited(world, 100, driver="e")


async def test_a_credit_repeated_after_a_debt_came_up_is_still_the_same_one() -> None:
    async with a_world() as world:
        await credited(world, 100)
        await held(world, 100)
        await settled(world, Split(100), Split(50))
        assert (await credited(world, 100)).is_replay
        assert (await balance(world)).owed_minor == 50


async def test_the_statement_runs_from_balance_to_balance() -> None:
    async with a_world() as world:
        await credited(world, 50_000)
        await held(world, 20_000)
        await settled(world, Split(12_294, 1_366))
        await held(world, 10_000, session="s2")
        await settled(world, Split(9_000, 1_000), Split(900, 100), session_id="s2")
        async with world.database.reading() as reader:
            lines = await wallets.statement(reader, "d")
            page = await wallets.statement(reader, "d", limit=2)
            rest = await wallets.statement(reader, "d", before=page[-1].id)
        assert [(x.kind, x.amount_minor, x.balance_after_minor) for x in reversed(lines)] == [
            ("credit", 50_000, 50_000),
            ("hold", -20_000, 30_000),
            ("settle", 6_340, 36_340),
            ("hold", -10_000, 26_340),
            ("settle", -1_000, 25_340),
        ]
        assert all(x.balance_before_minor + x.amount_minor == x.balance_after_minor for x in lines)
        assert page + rest == lines
        hold_line, settle_line = lines[3], lines[2]
        assert settle_line.reference_id == hold_line.transaction_id, "what comes back names what took it"
        assert (settle_line.session_id, settle_line.currency) == ("s1", CURRENCY)


async def test_each_movement_is_told_to_the_driver() -> None:
    async with a_world() as world:
        await credited(world, 100)
        await credited(world, 100)
        await held(world, 60)
        told = await world.take_facts()
        assert [
            (f.type, f.driver_id, data_of(f)["availableMinor"], data_of(f)["heldMinor"]) for f in told
        ] == [
            ("wallet.updated", "d", 100, 0),
            ("wallet.updated", "d", 40, 60),
        ]
        assert told[0].sequence < told[1].sequence


async def test_an_organisation_pays_from_what_it_is_owed() -> None:
    async with a_world() as world:
        for session, payer in (("s1", "p"), ("s2", "o")):
            for _ in range(2):
                async with world.database.transaction() as uow:
                    await organisation_pays.settle(
                        uow,
                        session_id=session,
                        payer_organisation_id=payer,
                        organisation_id="o",
                        currency=CURRENCY,
                        split=Split(90, 10, 18),
                        actor="system",
                        **world.said,
                    )
        assert await earned(world) == (90 - 28, 20, 36), "at its own stations it owes itself nothing"
        async with world.database.reading() as reader:
            assert await accounts.sum_of(reader, codes.organisation("p")) == 118
            assert await invariants.breaches(reader, now=world.now) == []


async def test_an_account_has_one_currency() -> None:
    async with a_world() as world:
        await credited(world, 100)
        with pytest.raises(Refused, match="kept in INR"):
            async with world.database.transaction() as uow:
                await wallet_credits.credit(
                    uow,
                    driver_id="d",
                    amount_minor=1,
                    currency="EUR",
                    reason="x",
                    actor="operator:1",
                    key="eur",
                    **world.said,
                )


async def test_the_database_has_the_last_word(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without our look before, the accounts' CHECK still makes an overdraft impossible."""
    monkeypatch.setattr(ledger, "check_funds", lambda *_: None)
    async with a_world() as world:
        await credited(world, 100)
        with pytest.raises(InsufficientFunds):
            await held(world, 101)
        assert await balance(world) == Balance(100, 0, CURRENCY)


LONG_AGO = "'2020-01-01T00:00:00+00:00'"
MORE_IN_THE_WALLET = "UPDATE ledger_account SET credits = credits + 1 WHERE code = 'liability:wallet:d'"
LESS_CAPTURED = "UPDATE wallet_hold SET captured = captured - 1, released = released + 1"
FORGOTTEN_HOLD = f"""
    INSERT INTO wallet_hold (id, session_id, generation, driver_id, amount, state, expires_at, created_at)
    VALUES ('h', 's9', 1, 'd', 5, 'OPEN', {LONG_AGO}, {LONG_AGO})"""
NOBODYS_GIFT = f"""
    INSERT INTO ledger_transaction
    (public_id, kind, idempotency_key, request_hash, actor, reason, effective_at, created_at)
    VALUES ('t', 'gift', 'g', 'h', '', '', {LONG_AGO}, {LONG_AGO})"""


@pytest.mark.parametrize(
    ("damage", "invariants_broken"),
    [
        (MORE_IN_THE_WALLET, {"I1", "I2"}),
        (LESS_CAPTURED, {"I6"}),
        (FORGOTTEN_HOLD, {"I4", "I5"}),
        (NOBODYS_GIFT, {"I12"}),
    ],
)
async def test_a_damaged_ledger_is_noticed(damage: str, invariants_broken: set[str]) -> None:
    async with a_world() as world:
        await credited(world, 1_000)
        await held(world, 100)
        await settled(world, Split(50))
        async with world.database.transaction() as uow:
            await uow.execute(text(damage))
        async with world.database.reading() as reader:
            found = {breach.invariant for breach in await invariants.breaches(reader, now=world.now)}
        assert found == invariants_broken


@pytest.mark.parametrize(
    "posting",
    [
        Posting("credit", "k", [], "operator:1"),
        Posting("gift", "k", [Transfer(codes.BANK, codes.wallet("d"), 1, CURRENCY)], "operator:1"),
        Posting("credit", "k", [Transfer(codes.BANK, codes.wallet("d"), 1, CURRENCY)], ""),
    ],
)
async def test_a_posting_of_nothing_of_no_kind_or_by_nobody_is_a_mistake_of_ours(posting: Posting) -> None:
    async with a_world() as world, world.database.transaction() as uow:
        with pytest.raises(AssertionError):
            await ledger.post(uow, posting, **world.said)
