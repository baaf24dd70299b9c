"""A site to look at: two organisations, their operators, the platform's, two drivers.

Everything that is seen was done by the rooms' own flows, and is asked for through the whole application.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx
import msgspec
from fastapi import FastAPI
from tests.unit.charging.kit import Street, a_street

from stationmaster.actions.catalog import CommandCatalog
from stationmaster.api import app as application
from stationmaster.contracts import envelope as envelopes
from stationmaster.contracts.envelope import Envelope
from stationmaster.frames.consumers import write_log
from stationmaster.identity import people
from stationmaster.identity.model import Organisation
from stationmaster.infra.cache.memory import MemoryCache
from stationmaster.infra.http.context import Context
from stationmaster.infra.runtime import Runtime
from stationmaster.kernel.clock import isoformat_z
from stationmaster.stations import boots, presence, status
from stationmaster.stations.model import Boot, LinkEvent, StatusChange

PASSWORD = "correct horse"
ROOT, ACME, OTHER = "root@x.test", "acme@x.test", "other@x.test"
ANN, BOB = "ann@x.test", "bob@x.test"


class _CountingReader:
    def __init__(self, reader: Any, count: Callable[[], None]):
        self._reader, self._count = reader, count

    async def execute(self, statement: Any, parameters: Any = None) -> Any:
        self._count()
        return await self._reader.execute(statement, parameters)


class CountingDatabase:
    """The real one; what is read through it is counted."""

    def __init__(self, database: Any):
        self._database = database
        self.statements = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._database, name)

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Any]:
        async with self._database.reading() as reader:
            yield _CountingReader(reader, self._count)

    def _count(self) -> None:
        self.statements += 1


@dataclass
class Site:
    street: Street
    app: FastAPI
    database: CountingDatabase
    other: Organisation
    drivers: dict[str, str]
    _tokens: dict[str, str] = field(default_factory=dict)

    @property
    def clock(self) -> Any:
        return self.street.clock

    @property
    def ann(self) -> str:
        return self.drivers[ANN]

    async def ask(self, path: str, who: str = "", **params: Any) -> httpx.Response:
        transport = httpx.ASGITransport(self.app)
        async with httpx.AsyncClient(transport=transport, base_url="https://cms.test") as client:
            if who and who not in self._tokens:
                said = {"email": who, "password": PASSWORD}
                answer = await client.post("/api/auth/token", json=said)
                self._tokens[who] = answer.json()["accessToken"]
            headers = {"authorization": f"Bearer {self._tokens[who]}"} if who else {}
            return await client.get(path, params=params, headers=headers)

    def sign_out(self) -> None:
        """Everybody signs in anew: for after days have gone by."""
        self._tokens.clear()

    async def see(self, path: str, who: str, **params: Any) -> Any:
        """The body of an answer that must be a 200."""
        answer = await self.ask(path, who, **params)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def items(self, path: str, who: str, **params: Any) -> list[Any]:
        return list((await self.see(path, who, **params))["items"])

    async def walk(self, path: str, who: str, limit: int, **params: Any) -> list[Any]:
        """All pages, one after the other."""
        found: list[Any] = []
        cursor: str | None = None
        while True:
            more = {"cursor": cursor} if cursor else {}
            page = await self.see(path, who, limit=limit, **params, **more)
            assert len(page["items"]) <= limit
            found += page["items"]
            cursor = page["nextCursor"]
            if cursor is None:
                return found
            assert len(page["items"]) == limit

    async def cost(self, path: str, who: str, **params: Any) -> int:
        """How many statements an answer takes, the login's included."""
        await self.see(path, who, **params)
        self.database.statements = 0
        await self.see(path, who, **params)
        return self.database.statements

    async def link(self, station_id: str, *, is_open: bool, epoch: int = 5) -> None:
        event = LinkEvent(station_id, epoch, "gw", self.clock.now())
        async with self.database.transaction() as uow:
            await (presence.link_opened if is_open else presence.link_closed)(uow, [event])

    async def reports(self, station_id: str, connector_id: int, word: str, seq: int = 1, **more: Any) -> None:
        change = StatusChange(
            station_id=station_id,
            connector_id=connector_id,
            status=word,
            at=self.clock.now(),
            epoch=1,
            seq=seq,
            **more,
        )
        async with self.database.transaction() as uow:
            await status.apply(uow, [change])

    async def boots(self, station_id: str, vendor: str, model: str) -> None:
        boot = Boot(station_id=station_id, epoch=1, seq=1, at=self.clock.now(), vendor=vendor, model=model)
        async with self.database.transaction() as uow:
            await boots.apply(uow, [boot])

    async def logs(self, *entries: Envelope) -> None:
        world = self.street.world
        bodies = [envelopes.encode(one) for one in entries]
        await write_log.consume_many(bodies, database=world.database, clock=world.clock, ids=world.ids)

    def frame(
        self,
        seq: int,
        action: str,
        payload: dict[str, Any] | None = None,
        *,
        kind: str = "call",
        answer: dict[str, Any] | None = None,
        station: str = "CP1",
        epoch: int = 7,
        message_id: str = "",
        after_ms: int = 0,
        **more: Any,
    ) -> Envelope:
        """As a gateway stamps it, ``after_ms`` from now."""
        message_id = message_id or f"m{seq}"
        body = payload or {}
        number = {"call": 2, "command": 2, "error": 4}.get(kind, 3)
        raw = [number, message_id, *([action] if number == 2 else []), body]
        moment = self.clock.now() + timedelta(milliseconds=after_ms)
        return Envelope(
            id=envelopes.envelope_id(station, epoch, kind, seq),
            device_id=station,
            charger_id=f"chg-{station}",
            epoch=epoch,
            seq=seq,
            kind=kind,
            direction="Outgoing" if kind in {"answer", "command"} else "Incoming",
            message_type=action,
            message_id=message_id,
            payload=msgspec.Raw(msgspec.json.encode(body)),
            raw_data=msgspec.Raw(msgspec.json.encode(raw)),
            answer=msgspec.Raw(b"null" if answer is None else msgspec.json.encode(answer)),
            timestamp=isoformat_z(moment),
            **more,
        )


@asynccontextmanager
async def a_site(postgres_url: str | None = None) -> AsyncIterator[Site]:
    async with a_street(postgres_url) as street:
        world = street.world
        async with world.database.transaction() as uow:
            said = world.said | {"password": PASSWORD}
            other = await people.create_organisation(uow, name="Other", **world.said)
            await people.create_operator(uow, email=ROOT, role="admin", **said)
            await people.create_operator(uow, email=ACME, organisation_id=world.organisation.id, **said)
            await people.create_operator(uow, email=OTHER, organisation_id=other.id, **said)
            ann = await people.create_driver(uow, email=ANN, name="Ann", phone="+911", **said)
            bob = await people.create_driver(uow, email=BOB, **said)
        database = CountingDatabase(world.database)
        context = Context(
            database=database,  # type: ignore[arg-type] - all of it, by delegation
            bus=None,  # type: ignore[arg-type] - no screen publishes
            cache=MemoryCache(world.clock),
            runtime=Runtime(clock=world.clock, ids=world.ids),
            commands=CommandCatalog(),
        )
        app = application.build(context, origins=[], checks={})
        yield Site(street, app, database, other, {ANN: ann.id, BOB: bob.id})
