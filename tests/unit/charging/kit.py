"""A street with one organisation, a tariff, stations and drivers, where stations speak OCPP 1.6 by their real
payloads: what goes in is JSON, what is asserted is rows and money."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import msgspec
from sqlalchemy import select, update
from tests.support.rooms import World, a_world

from stationmaster.actions.dispatch import Call, Registry
from stationmaster.charging import invariants as charging_invariants
from stationmaster.charging import starts, store
from stationmaster.charging.consumers import remote_start_response
from stationmaster.charging.model import ChargingPolicy, Payer, Session
from stationmaster.charging.tables import charging_session
from stationmaster.contracts.commands import CommandOutcome
from stationmaster.identity import id_tokens
from stationmaster.infra.db import migrate
from stationmaster.kernel.clock import isoformat_z
from stationmaster.stations.tables import command, station
from stationmaster.tariffs import versions
from stationmaster.wallet import credits as wallet_credits
from stationmaster.wallet import invariants as wallet_invariants
from stationmaster.wallet import wallets
from stationmaster.wallet.model import Balance

PRICE = 1_500
REGISTRY = Registry()
POLICY = ChargingPolicy()


class Counting:
    """A unit of work that counts its statements."""

    def __init__(self, uow: Any):
        self._uow = uow
        self.statements = 0

    def __getattr__(self, name: str) -> Any:
        if name == "execute" or name.startswith(("execute_", "bulk_", "copy")):
            self.statements += 1
        return getattr(self._uow, name)


@dataclass
class Street:
    """``says`` is a station speaking; everything else is the world around it."""

    world: World
    epoch: int = 1
    seqs: dict[str, int] = field(default_factory=dict)
    credits: int = 0

    @property
    def database(self) -> Any:
        return self.world.database

    @property
    def clock(self) -> Any:
        return self.world.clock

    async def station(self, station_id: str = "CP1", *, tax_bps: int = 0, **values: Any) -> str:
        async with self.database.transaction() as uow:
            tariff, _ = await versions.create(
                uow,
                organisation_id=self.world.organisation.id,
                name=station_id,
                price_minor_per_kwh=values.pop("price", PRICE),
                tax_bps=tax_bps,
                **self.world.said,
            )
        await self.world.station(
            station_id, tariff_id=tariff.id, connector_count=values.pop("connector_count", 2), **values
        )
        async with self.database.transaction() as uow:
            await uow.execute(
                update(station).where(station.c.station_id == station_id).values(is_online=True)
            )
        return station_id

    async def driver(self, money: int = 0) -> str:
        made = await self.world.driver()
        if money:
            await self.credit(made.id, money)
        return made.id

    async def credit(self, driver_id: str, money: int) -> None:
        self.credits += 1
        async with self.database.transaction() as uow:
            await wallet_credits.credit(
                uow,
                driver_id=driver_id,
                amount_minor=money,
                currency="INR",
                reason="test",
                actor="test",
                key=f"credit-{self.credits}",
                **self.world.said,
            )

    async def card(self, token: str, driver_id: str | None = None, *, payer_kind: str = "wallet") -> None:
        async with self.database.transaction() as uow:
            await id_tokens.register(
                uow,
                token=token,
                organisation_id=self.world.organisation.id,
                payer_kind=payer_kind,
                driver_id=driver_id,
                payer_reason="staff" if payer_kind == "free" else None,
                **self.world.said,
            )

    async def start(
        self,
        driver_id: str,
        *,
        amount: int = 20_000,
        station_id: str = "CP1",
        connector_id: int = 1,
        **more: Any,
    ) -> Session:
        async with self.database.transaction() as uow:
            return await starts.begin(
                uow,
                station_id=station_id,
                connector_id=connector_id,
                payer=more.pop("payer", Payer.wallet(driver_id)),
                amount_minor=amount,
                actor=f"driver:{driver_id}",
                started_by="app",
                **more,
                **self.world.said,
            )

    async def commands(self, session_id: str, action: str = "RemoteStartTransaction") -> list[Any]:
        async with self.database.reading() as reader:
            rows = await reader.execute(
                select(command)
                .where(command.c.session_id == session_id, command.c.action == action)
                .order_by(command.c.created_at, command.c.id)
            )
            return list(rows.all())

    async def outcome(self, session_id: str, state: str, **more: Any) -> None:
        """The station's, or the road's, answer to the session's remote start."""
        asked = (await self.commands(session_id))[-1]
        said = CommandOutcome(
            command_id=asked.id, device_id=asked.station_id, command=asked.action, state=state, **more
        )
        async with self.database.transaction() as uow:
            await remote_start_response.consume(said, uow=uow, clock=self.clock, ids=self.world.ids)

    async def accepted(self, session_id: str) -> None:
        await self.outcome(session_id, "answered", answer=msgspec.Raw(b'{"status":"Accepted"}'))

    async def says(
        self,
        action: str,
        payload: dict[str, Any] | bytes,
        *,
        station_id: str = "CP1",
        uow: Any = None,
        **more: Any,
    ) -> Any:
        """One frame, as the worker hands it over; the answer decoded, None where the gateway has answered."""
        call = self.call(action, payload, station_id=station_id, **more)
        if uow is not None:
            return await self.hand_over(uow, action, [call])
        async with self.database.transaction() as own:
            return await self.hand_over(own, action, [call])

    async def hand_over(self, uow: Any, action: str, calls: list[Call[Any]]) -> Any:
        offered = {"uow": uow, "clock": self.clock, "ids": self.world.ids, "policy": POLICY}
        answers = await REGISTRY.handle(action, calls, **offered)
        return None if answers[-1] is None else msgspec.json.decode(answers[-1])

    def call(
        self, action: str, payload: dict[str, Any] | bytes, *, station_id: str = "CP1", **more: Any
    ) -> Call[Any]:
        body = payload if isinstance(payload, bytes) else msgspec.json.encode(payload)
        seq = self.seqs[station_id] = self.seqs.get(station_id, 0) + 1
        found = REGISTRY.get(action)
        assert found is not None
        return Call(
            station_id=station_id,
            charger_id="chg",
            epoch=self.epoch,
            seq=seq,
            message_id=f"m{seq}",
            action=action,
            request=found.decode(body),
            received_at=more.pop("received_at", self.clock.now()),
            payload=body,
            **more,
        )

    def stamp(self) -> str:
        return isoformat_z(self.clock.now())

    async def begins(
        self, id_tag: str, *, meter: int = 1000, connector_id: int = 1, station_id: str = "CP1", **more: Any
    ) -> Any:
        said = {"connectorId": connector_id, "idTag": id_tag, "meterStart": meter, "timestamp": self.stamp()}
        return await self.says("StartTransaction", said | more.pop("say", {}), station_id=station_id, **more)

    async def meters(
        self,
        transaction_id: int,
        wh: int,
        *,
        connector_id: int = 1,
        station_id: str = "CP1",
        power_w: int = 11_000,
    ) -> None:
        samples = [
            {"value": str(wh), "measurand": "Energy.Active.Import.Register", "unit": "Wh"},
            {"value": str(power_w), "measurand": "Power.Active.Import", "unit": "W"},
        ]
        value = {"timestamp": self.stamp(), "sampledValue": samples}
        said = {"connectorId": connector_id, "transactionId": transaction_id, "meterValue": [value]}
        await self.says("MeterValues", said, station_id=station_id)

    async def ends(
        self,
        transaction_id: int,
        *,
        meter: int,
        reason: str | None = "Local",
        station_id: str = "CP1",
        **more: Any,
    ) -> None:
        said: dict[str, Any] = {
            "transactionId": transaction_id,
            "meterStop": meter,
            "timestamp": self.stamp(),
        }
        if reason:
            said["reason"] = reason
        await self.says("StopTransaction", said | more.pop("say", {}), station_id=station_id, **more)

    async def session(self, session_id: str) -> Session:
        async with self.database.reading() as reader:
            found = await store.find_session(reader, session_id)
        assert found is not None
        return found

    async def sessions(self) -> list[Session]:
        async with self.database.reading() as reader:
            rows = (await reader.execute(select(charging_session.c.id).order_by(charging_session.c.id))).all()
        return [await self.session(row.id) for row in rows]

    async def only_session(self) -> Session:
        found = await self.sessions()
        assert len(found) == 1
        return found[0]

    async def balance(self, driver_id: str) -> Balance:
        async with self.database.reading() as reader:
            return await wallets.balance(reader, driver_id)

    async def check(self) -> None:
        """Every truth of both rooms."""
        async with self.database.reading() as reader:
            found = await charging_invariants.breaches(reader, now=self.clock.now())
            found += await wallet_invariants.breaches(reader, now=self.clock.now())
        assert found == []


@asynccontextmanager
async def a_street(postgres_url: str | None = None) -> AsyncIterator[Street]:
    if postgres_url is not None:
        await asyncio.to_thread(migrate.upgrade, postgres_url)
    async with a_world(postgres_url) as world:
        street = Street(world)
        yield street
        await street.check()
