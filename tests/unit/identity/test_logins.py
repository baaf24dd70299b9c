"""Who is signed in."""

from datetime import timedelta

import pytest
from sqlalchemy import select
from tests.support.rooms import World, a_world

from stationmaster.identity import logins, passwords, people, sign_in_limit
from stationmaster.identity.model import SignedIn
from stationmaster.identity.tables import login, person
from stationmaster.infra.cache.memory import MemoryCache
from stationmaster.kernel.errors import Invalid, NotFound, Refused, Unavailable

pytestmark = pytest.mark.anyio

PASSWORD = "correct horse"


async def an_operator(world: World, organisation_id: str | None = None) -> str:
    async with world.database.transaction() as uow:
        made = await people.create_operator(
            uow,
            email="Op@X.test",
            password=PASSWORD,
            role="admin",
            organisation_id=organisation_id,
            **world.said,
        )
    return made.id


async def signed_in(world: World, password: str = PASSWORD, email: str = " op@x.TEST ") -> SignedIn:
    async with world.database.transaction() as uow:
        return await logins.sign_in(uow, email=email, password=password, kind="cookie", **world.said)


async def who(world: World, secret: str) -> str | None:
    async with world.database.reading() as reader:
        found = await logins.authenticate(reader, secret=secret, now=world.now)
    return None if found is None else found.person_id


async def test_the_right_password_signs_in() -> None:
    async with a_world() as world:
        person_id = await an_operator(world)
        done = await signed_in(world)
        assert await who(world, done.secret) == person_id
        assert (done.principal.email, done.principal.role, done.principal.is_platform_admin) == (
            "op@x.test",
            "admin",
            True,
        )
        assert done.principal.csrf_token == done.csrf_token


async def test_only_hashes_are_stored() -> None:
    async with a_world() as world:
        await an_operator(world)
        done = await signed_in(world)
        async with world.database.reading() as reader:
            stored = [
                *(await reader.execute(select(login))).one(),
                *(await reader.execute(select(person))).one(),
            ]
        assert done.secret not in stored
        assert not any(PASSWORD in str(value) for value in stored)
        assert any(str(value).startswith("$argon2id$") for value in stored)


@pytest.mark.parametrize(
    ("email", "password"), [("op@x.test", "wrong"), ("nobody@x.test", PASSWORD), ("op@x.test", "")]
)
async def test_wrong_and_unknown_get_the_same_answer(email: str, password: str) -> None:
    async with a_world() as world:
        await an_operator(world)
        with pytest.raises(Refused) as refused:
            await signed_in(world, password, email)
        assert (refused.value.code, refused.value.http_status) == ("wrong_credentials", 401)


async def test_a_person_without_a_password_cannot_sign_in() -> None:
    async with a_world() as world:
        await world.driver("card@x.test")
        with pytest.raises(Refused):
            await signed_in(world, "", "card@x.test")


async def test_a_login_ends_by_time_by_sign_out_and_with_its_person() -> None:
    async with a_world() as world:
        person_id = await an_operator(world)
        one, two, three = [await signed_in(world) for _ in range(3)]
        async with world.database.transaction() as uow:
            await logins.sign_out(uow, login_id=one.principal.login_id, now=world.now)
        assert await who(world, one.secret) is None
        assert await who(world, two.secret) == person_id
        world.clock.advance((logins.LIFETIME["cookie"] - timedelta(seconds=1)).total_seconds())
        assert await who(world, three.secret) == person_id
        async with world.database.transaction() as uow:
            await people.disable(uow, person_id=person_id, now=world.now)
        assert await who(world, three.secret) is None
        world.clock.advance(1)
        assert await who(world, two.secret) is None
        with pytest.raises(Refused):
            await signed_in(world)


@pytest.mark.parametrize("secret", ["", "x", "x" * 10_000])
async def test_nobodys_secret_is_nobody(secret: str) -> None:
    async with a_world() as world:
        await an_operator(world)
        await signed_in(world)
        assert await who(world, secret) is None


async def test_an_address_belongs_to_one_person() -> None:
    async with a_world() as world:
        await an_operator(world)
        with pytest.raises(Refused):
            await world.driver("OP@x.test")
        with pytest.raises(Invalid):
            await world.driver("no address")
        with pytest.raises(NotFound):
            await an_operator(world, organisation_id="none")


@pytest.mark.parametrize("password", ["short", "x" * 257])
async def test_a_password_has_bounds(password: str) -> None:
    with pytest.raises(Invalid):
        await passwords.hash_of(password)


async def test_the_eleventh_failure_waits() -> None:
    async with a_world() as world:
        cache = MemoryCache(world.clock)
        here, elsewhere = (
            sign_in_limit.key_of(address=a, email="op@x.test") for a in ("10.0.0.1", "10.0.0.2")
        )
        for _ in range(sign_in_limit.FAILURES_MAX):
            await sign_in_limit.count_attempt(cache, here)
        with pytest.raises(Refused) as refused:
            await sign_in_limit.count_attempt(cache, here)
        assert refused.value.http_status == 429
        await sign_in_limit.count_attempt(cache, elsewhere)
        world.clock.advance(sign_in_limit.WAIT_S + 1)
        await sign_in_limit.count_attempt(cache, here)


async def test_a_success_forgets_the_failures() -> None:
    async with a_world() as world:
        cache = MemoryCache(world.clock)
        for _ in range(3 * sign_in_limit.FAILURES_MAX):
            await sign_in_limit.count_attempt(cache, "k")
            await sign_in_limit.forget(cache, "k")


async def test_without_a_cache_people_still_sign_in() -> None:
    class Away(MemoryCache):
        async def recent(self, key: str, *, limit: int = 100) -> list[str]:
            raise Unavailable("cache")

        async def delete(self, key: str) -> None:
            raise Unavailable("cache")

    async with a_world() as world:
        await sign_in_limit.count_attempt(Away(world.clock), "k")
        await sign_in_limit.forget(Away(world.clock), "k")
