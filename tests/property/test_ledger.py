"""Money is conserved by every history of credits, holds, settlements, releases and repetitions.

One history after the other against a model on SQLite; many at once on PostgreSQL, where the invariants
decide.
"""

import asyncio
import random
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support.rooms import World, a_world

from stationmaster.infra.db import migrate
from stationmaster.infra.db.again import with_retries
from stationmaster.infra.db.database import UnitOfWork
from stationmaster.infra.runtime import Runtime
from stationmaster.kernel.errors import InsufficientFunds, NotFound, Refused
from stationmaster.wallet import accounts, holds, invariants, wallets
from stationmaster.wallet import credits as wallet_credits
from stationmaster.wallet.model import Split
from stationmaster.wallet.rules import accounts as codes

DRIVERS = ("ann", "bob")
SESSIONS = ("s1", "s2", "s3", "s4")
ORGANISATION = "org"


@dataclass(frozen=True)
class Credit:
    driver: str
    amount: int
    key: int


@dataclass(frozen=True)
class Place:
    session: str
    generation: int
    amount: int


@dataclass(frozen=True)
class Settle:
    """``part`` of the hold in percent; ``overrun`` beyond a full capture."""

    session: str
    generation: int
    part: int
    overrun: int


@dataclass(frozen=True)
class Release:
    session: str
    generation: int


Step = Credit | Place | Settle | Release

amounts = st.integers(1, 500)
generations = st.integers(1, 2)
sessions = st.sampled_from(SESSIONS)
steps = st.one_of(
    st.builds(Credit, st.sampled_from(DRIVERS), amounts, st.integers(0, 5)),
    st.builds(Place, sessions, generations, amounts),
    st.builds(Settle, sessions, generations, st.integers(0, 100), st.sampled_from([0, 0, 1, 77, 900])),
    st.builds(Release, sessions, generations),
)
histories = st.lists(steps, min_size=1, max_size=25)


def driver_of(session: str) -> str:
    return DRIVERS[SESSIONS.index(session) % len(DRIVERS)]


def split_of(total: int) -> Split:
    """Tax a sixth, fee a tenth of the rest: the rules of the split are not what is tested here."""
    tax = total // 6
    fee = (total - tax) // 10
    return Split(total - tax - fee, fee, tax)


async def perform(uow: UnitOfWork, world: World, step: Step) -> None:
    """The step itself; refusals come out as they are."""
    said = {"actor": "test", **world.said}
    match step:
        case Credit():
            await wallet_credits.credit(
                uow,
                driver_id=step.driver,
                amount_minor=step.amount,
                currency="INR",
                reason="",
                key=str(step.key),
                **said,
            )
        case Place():
            await holds.place(
                uow,
                session_id=step.session,
                generation=step.generation,
                driver_id=driver_of(step.session),
                amount_minor=step.amount,
                currency="INR",
                expires_at=world.now + timedelta(days=1),
                **said,
            )
        case Release():
            await holds.release(
                uow, session_id=step.session, generation=step.generation, currency="INR", **said
            )
        case Settle():
            held = await holds.get(uow, session_id=step.session, generation=step.generation)
            is_full = step.part == 100
            captured = held.amount if is_full else held.amount * step.part // 100
            await holds.settle(
                uow,
                session_id=step.session,
                generation=step.generation,
                driver_id=driver_of(step.session),
                organisation_id=ORGANISATION,
                currency="INR",
                capture=split_of(captured),
                overrun=split_of(step.overrun) if is_full and step.overrun else None,
                **said,
            )


@dataclass
class Model:
    """What should be: money by driver, holds by session, keys that were used."""

    available: dict[str, int] = field(default_factory=lambda: dict.fromkeys(DRIVERS, 0))
    held: dict[str, int] = field(default_factory=lambda: dict.fromkeys(DRIVERS, 0))
    owed: dict[str, int] = field(default_factory=lambda: dict.fromkeys(DRIVERS, 0))
    earned: int = 0
    holds: dict[tuple[str, int], tuple[int, str]] = field(default_factory=dict)
    credited: dict[int, tuple[str, int]] = field(default_factory=dict)
    settled: set[str] = field(default_factory=set)

    def take(self, step: Step) -> type[Exception] | None:
        """Change, or say which refusal is due."""
        match step:
            case Credit():
                return self._credit(step)
            case Place():
                return self._place(step)
            case Settle():
                return self._settle(step)
            case Release():
                return self._release(step.session, step.generation)

    def _credit(self, step: Credit) -> type[Exception] | None:
        if step.key in self.credited:
            return None if self.credited[step.key] == (step.driver, step.amount) else Refused
        self.credited[step.key] = (step.driver, step.amount)
        repaid = min(self.owed[step.driver], step.amount)
        self.owed[step.driver] -= repaid
        self.available[step.driver] += step.amount - repaid
        return None

    def _place(self, step: Place) -> type[Exception] | None:
        key, driver = (step.session, step.generation), driver_of(step.session)
        if key in self.holds:
            return None if self.holds[key][0] == step.amount else Refused
        if self.owed[driver] or self.available[driver] < step.amount:
            return InsufficientFunds
        self.available[driver] -= step.amount
        self.held[driver] += step.amount
        self.holds[key] = (step.amount, "open")
        return None

    def _settle(self, step: Settle) -> type[Exception] | None:
        key, driver = (step.session, step.generation), driver_of(step.session)
        if key not in self.holds:
            return NotFound
        if step.session in self.settled:
            return None
        amount, state = self.holds[key]
        captured = amount if step.part == 100 else amount * step.part // 100
        overrun = step.overrun if step.part == 100 else 0
        if not captured and not overrun:
            return self._release(step.session, step.generation)
        if state != "open":
            return Refused
        self.holds[key] = (amount, "captured")
        self.settled.add(step.session)
        self.held[driver] -= amount
        self.available[driver] += amount - captured
        paid = min(self.available[driver], overrun)
        self.available[driver] -= paid
        self.owed[driver] += overrun - paid
        self.earned += captured + overrun
        return None

    def _release(self, session: str, generation: int) -> type[Exception] | None:
        key, driver = (session, generation), driver_of(session)
        if key not in self.holds:
            return NotFound
        amount, state = self.holds[key]
        if state != "open":
            return Refused if state == "captured" else None
        self.holds[key] = (amount, "released")
        self.held[driver] -= amount
        self.available[driver] += amount
        return None


async def check_books(world: World) -> tuple[int, int, int]:
    """The invariants, and: what came in is what is there. Returns (credited, owned by drivers, earned)."""
    async with world.database.reading() as reader:
        assert await invariants.breaches(reader, now=world.now) == []
        credited = await accounts.sum_of(reader, codes.BANK)
        earned = 0
        for code in (codes.organisation(ORGANISATION), codes.PLATFORM_FEE, codes.TAX):
            earned -= await accounts.sum_of(reader, code)
        owned = 0
        for driver in DRIVERS:
            have = await wallets.balance(reader, driver)
            assert min(have.available_minor, have.held_minor, have.owed_minor) >= 0
            owned += have.available_minor + have.held_minor - have.owed_minor
            lines = await wallets.statement(reader, driver, limit=1000)
            assert sum(line.amount_minor for line in lines) == have.available_minor
    assert credited == owned + earned
    return credited, owned, earned


async def check_against(world: World, model: Model) -> None:
    credited, _, earned = await check_books(world)
    assert credited == sum(amount for _, amount in model.credited.values())
    assert earned == model.earned
    async with world.database.reading() as reader:
        for driver in DRIVERS:
            have = await wallets.balance(reader, driver)
            expected = (model.available[driver], model.held[driver], model.owed[driver])
            assert (have.available_minor, have.held_minor, have.owed_minor) == expected


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(histories)
def test_every_history_does_what_the_model_does(history: list[Step]) -> None:
    asyncio.run(_follow(history))


async def _follow(history: list[Step]) -> None:
    model = Model()
    async with a_world() as world:
        for step in history:
            due = model.take(step)
            assert await _refusal(_alone(world, step)) == due, step
        await check_against(world, model)


async def _alone(world: World, step: Step) -> None:
    async with world.database.transaction() as uow:
        await perform(uow, world, step)


async def _refusal(work: Coroutine[Any, Any, None]) -> type[Exception] | None:
    try:
        await work
    except Refused as error:
        return type(error)
    return None


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(histories)
def test_refusals_in_one_unit_of_work_leave_nothing_behind(history: list[Step]) -> None:
    """All steps in one unit of work: what is refused on the way is as if it had never been tried."""

    async def follow() -> None:
        model = Model()
        async with a_world() as world:
            async with world.database.transaction() as uow:
                for step in history:
                    due = model.take(step)
                    assert await _refusal(perform(uow, world, step)) == due, step
            await check_against(world, model)

    asyncio.run(follow())


# On PostgreSQL, everything at once
# -----------------------------------------------------------------------------------


def on_postgres(postgres_url: str, do: Callable[[World], Coroutine[Any, Any, None]]) -> None:
    async def run() -> None:
        async with a_world(postgres_url) as world:
            await do(world)

    migrate.upgrade(postgres_url)
    asyncio.run(run())


async def attempt(world: World, step: Step) -> Exception | None:
    """As an edge would run it: again after a conflict, done when refused."""
    runtime = Runtime(ids=world.ids)
    try:
        await with_retries(world.database, runtime, lambda uow: perform(uow, world, step), attempts=10)
    except Refused as error:
        return error
    return None


@pytest.mark.services
@pytest.mark.parametrize("seed", range(5))
def test_concurrent_histories_keep_the_books(postgres_url: str, seed: int) -> None:
    """200 steps of random histories, ten at a time, each step twice."""
    rng = random.Random(seed)

    def a_step() -> Step:
        match rng.randrange(5):
            case 0 | 1:
                return Credit(rng.choice(DRIVERS), rng.randint(1, 500), rng.randrange(40))
            case 2:
                return Place(rng.choice(SESSIONS), rng.randint(1, 2), rng.choice([50, 200]))
            case 3:
                return Settle(
                    rng.choice(SESSIONS), rng.randint(1, 2), rng.choice([0, 30, 100]), rng.choice([0, 900])
                )
            case _:
                return Release(rng.choice(SESSIONS), rng.randint(1, 2))

    async def storm(world: World) -> None:
        for _ in range(20):
            batch = [a_step() for _ in range(5)]
            await asyncio.gather(*(attempt(world, step) for step in batch + batch))
        await check_books(world)

    on_postgres(postgres_url, storm)


@pytest.mark.services
def test_fifty_holds_at_once_on_money_for_three(postgres_url: str) -> None:
    async def race(world: World) -> None:
        assert await attempt(world, Credit("ann", 350, 1)) is None

        async def hold(n: int) -> Exception | None:
            async def place(uow: UnitOfWork) -> None:
                await holds.place(
                    uow,
                    session_id=f"race{n}",
                    generation=1,
                    driver_id="ann",
                    amount_minor=100,
                    currency="INR",
                    expires_at=world.now + timedelta(days=1),
                    actor="test",
                    **world.said,
                )

            try:
                await with_retries(world.database, Runtime(ids=world.ids), place, attempts=10)
            except InsufficientFunds as error:
                return error
            return None

        outcomes = await asyncio.gather(*(hold(n) for n in range(50)))
        assert outcomes.count(None) == 3
        async with world.database.reading() as reader:
            have = await wallets.balance(reader, "ann")
        assert (have.available_minor, have.held_minor) == (50, 300)
        await check_books(world)

    on_postgres(postgres_url, race)


@pytest.mark.services
def test_one_hold_settled_by_ten_at_once_is_settled_once(postgres_url: str) -> None:
    async def race(world: World) -> None:
        await attempt(world, Credit("ann", 500, 1))
        await attempt(world, Place("s1", 1, 200))
        outcomes = await asyncio.gather(*(attempt(world, Settle("s1", 1, 100, 900)) for _ in range(10)))
        assert outcomes == [None] * 10
        assert (await check_books(world))[2] == 200 + 900

    on_postgres(postgres_url, race)


@pytest.mark.services
def test_one_credit_key_from_ten_at_once_credits_once(postgres_url: str) -> None:
    async def race(world: World) -> None:
        outcomes = await asyncio.gather(*(attempt(world, Credit("ann", 500, 1)) for _ in range(10)))
        assert outcomes == [None] * 10
        assert (await check_books(world))[0] == 500

    on_postgres(postgres_url, race)
