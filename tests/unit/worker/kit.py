"""A frame worker on SQLite with actions of its own, whose every effect is one row."""

import atexit
import shutil
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec
from sqlalchemy import insert, select

from stationmaster.actions.dispatch import Call, Registry
from stationmaster.charging.tables import unmatched_stop
from stationmaster.contracts import envelope as envelopes
from stationmaster.contracts.envelope import Envelope
from stationmaster.infra.bus.port import Delivery, Message, Unroutable
from stationmaster.infra.db import migrate
from stationmaster.infra.db.database import UnitOfWork
from stationmaster.infra.db.sqlite import SqliteDatabase
from stationmaster.infra.runtime import Runtime
from stationmaster.kernel.clock import VirtualClock, isoformat_z
from stationmaster.kernel.ids import SeededIds
from stationmaster.worker.frames import FrameWorker

QUEUE = "ocpp_messages"
EPOCH = 4096


class MeterValuesRequest(msgspec.Struct, rename="camel"):
    connector_id: int
    poison: bool = False


class MeterValuesResponse(msgspec.Struct):
    pass


class AuthorizeRequest(msgspec.Struct, rename="camel"):
    id_tag: str


class AuthorizeResponse(msgspec.Struct, rename="camel"):
    status: str


def journal(call: Call[Any]) -> dict[str, Any]:
    """The row of one effect: which action, and whether it came late."""
    return {
        "station_id": call.station_id,
        "transaction_id": None,
        "payload": f"{call.action}{' late' if call.is_late else ''}",
        "epoch": call.epoch,
        "seq": call.seq,
        "received_at": call.received_at,
    }


async def meter_values(
    calls: Sequence[Call[MeterValuesRequest]], *, uow: UnitOfWork
) -> Sequence[MeterValuesResponse | None]:
    await uow.bulk_insert(unmatched_stop, [journal(call) for call in calls])
    if any(call.request.poison for call in calls):
        raise RuntimeError("poison")
    return [None] * len(calls)


async def authorize(
    calls: Sequence[Call[AuthorizeRequest]], *, uow: UnitOfWork
) -> Sequence[AuthorizeResponse | None]:
    for call in calls:
        await uow.execute(insert(unmatched_stop).values(**journal(call)))
    return [AuthorizeResponse(f"yes {call.request.id_tag} {call.seq}") for call in calls]


def action_file(name: str, request: type, response: type, handle: Any) -> ModuleType:
    module = ModuleType(f"actions.{name}")
    setattr(module, request.__name__, request)
    setattr(module, response.__name__, response)
    module.handle = handle  # type: ignore[attr-defined]
    return module


def registry() -> Registry:
    return Registry(
        files=[
            action_file("meter_values", MeterValuesRequest, MeterValuesResponse, meter_values),
            action_file("authorize", AuthorizeRequest, AuthorizeResponse, authorize),
        ]
    )


class Mailboxes:
    """The only thing that a worker asks of the bus beside deliveries: publishing to a gateway's queue."""

    def __init__(self) -> None:
        self.sent: list[Message] = []
        self.gone: set[str] = set()
        self.failure: Exception | None = None

    async def publish(self, message: Message) -> None:
        if message.routing_key in self.gone:
            raise Unroutable("unroutable")
        if self.failure is not None:
            raise self.failure
        self.sent.append(message)

    def answers(self) -> list[tuple[int, str, str]]:
        """(seq, payload, error code) of each answer sent."""
        bodies = [msgspec.json.decode(message.body) for message in self.sent]
        return [(b["seq"], str(b["payload"].get("status", "")), b.get("errorCode", "")) for b in bodies]


@dataclass
class Kit:
    worker: FrameWorker
    database: SqliteDatabase
    bus: Mailboxes
    clock: VirtualClock

    async def take(self, *bodies: bytes, redelivered: bool = False) -> None:
        await self.worker.take([Delivery(QUEUE, "ocpp.x", list(bodies), redelivered=redelivered)])

    async def effects(self, station: str = "ST1") -> list[tuple[int, int, str]]:
        """(epoch, seq, what) in the order of application."""
        t = unmatched_stop.c
        async with self.database.reading() as reader:
            rows = await reader.execute(
                select(t.epoch, t.seq, t.payload).where(t.station_id == station).order_by(t.id)
            )
        return [tuple(row) for row in rows.all()]

    async def seqs(self, station: str = "ST1") -> list[int]:
        return [seq for _, seq, _ in await self.effects(station)]

    async def rows(self, statement: Any) -> list[Any]:
        async with self.database.reading() as reader:
            return list((await reader.execute(statement)).all())

    def frame(
        self,
        seq: int,
        action: str = "MeterValues",
        payload: Any = None,
        *,
        station: str = "ST1",
        epoch: int = EPOCH,
        kind: str = envelopes.CALL,
        **more: Any,
    ) -> bytes:
        body = {"connectorId": 1} if payload is None else payload
        is_immediate = kind == envelopes.CALL and action != "Authorize"
        return envelopes.encode(
            Envelope(
                id=envelopes.envelope_id(station, epoch, kind, seq),
                device_id=station,
                epoch=epoch,
                seq=seq,
                kind=kind,
                message_type=action,
                message_id=f"m{seq}",
                payload=msgspec.Raw(msgspec.json.encode(body)),
                timestamp=isoformat_z(self.clock.now()),
                answer=msgspec.Raw(b"{}" if is_immediate else b"null"),
                gateway_id="gw1",
                reply_to="charging.gateway.gw1",
                **more,
            )
        )


@cache
def _migrated() -> Path:
    """An empty database of the newest schema, made once."""
    path = Path(tempfile.mkdtemp(prefix="stationmaster-kit-")) / "empty.db"
    atexit.register(shutil.rmtree, path.parent, ignore_errors=True)
    migrate.upgrade(f"sqlite:///{path}")
    return path


@asynccontextmanager
async def a_kit(tmp_path: Any, **options: Any) -> AsyncIterator[Kit]:
    path = tmp_path / "kit.db"
    shutil.copy(_migrated(), path)
    clock = VirtualClock()
    runtime = Runtime(clock, SeededIds(1, clock))
    database, bus = SqliteDatabase(path, runtime=runtime, synchronous="OFF"), Mailboxes()
    await database.start()
    worker = FrameWorker(
        database=database, bus=bus, runtime=runtime, registry=options.pop("registry", registry()), **options
    )
    try:
        yield Kit(worker, database, bus, clock)
    finally:
        await database.stop()
