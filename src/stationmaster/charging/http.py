"""Starting and stopping a charge over HTTP, for drivers and for operators.

Both answer 202 at once with our session: the station's part comes later, over the live channel. Drivers see
their own sessions, operators those of their organisation's stations; anything else is not there.
"""

from typing import Annotated, Any, Literal, cast

from fastapi import APIRouter, Depends, Request, Response
from pydantic import Field, model_validator

from stationmaster.charging import starts, stops, store
from stationmaster.charging.model import DEFAULT_POLICY, ChargingPolicy, Payer, Session
from stationmaster.identity import access, people
from stationmaster.identity.model import Principal
from stationmaster.infra.db.again import with_retries
from stationmaster.infra.db.database import Reader, UnitOfWork
from stationmaster.infra.http.context import Context, get
from stationmaster.infra.http.idempotency import idempotent
from stationmaster.infra.http.wire import Body, Wire
from stationmaster.kernel.errors import Forbidden, Invalid, NotFound

router = APIRouter(tags=["charging"])

Ctx = Annotated[Context, Depends(get)]
StationIdText = Annotated[str, Field(min_length=1, max_length=100)]
ConnectorId = Annotated[int, Field(ge=1, le=255)]
AmountMinor = Annotated[int, Field(gt=0, le=10**13)]
EnergyWh = Annotated[int, Field(gt=0, le=10**9)]


class DriverStart(Body):
    device_id: StationIdText
    connector_id: ConnectorId
    amount_minor: AmountMinor
    limit_energy_wh: EnergyWh | None = None


class PayerIn(Body):
    """Who pays for a charge that an operator starts."""

    kind: Literal["free", "wallet", "organisation"]
    driver_id: str | None = Field(default=None, max_length=100)
    reason: str = Field(default="", max_length=200)


class OperatorStart(Body):
    station_id: StationIdText | None = None
    device_id: StationIdText | None = None  # the sources' word for the same
    connector_id: ConnectorId
    payer: PayerIn
    amount_minor: AmountMinor | None = None
    limit_energy_wh: EnergyWh | None = None

    @model_validator(mode="after")
    def _names_one_station(self) -> "OperatorStart":
        if (self.station_id or self.device_id) is None or None not in {self.station_id, self.device_id}:
            raise ValueError("name the station once: stationId or deviceId")
        return self

    @property
    def station(self) -> str:
        return self.station_id or self.device_id or ""


class StopIn(Body):
    session_id: str = Field(min_length=1, max_length=100)


class DriverStarted(Wire):
    session_id: str
    state: str
    hold_minor: int
    currency: str


class OperatorStarted(Wire):
    session_id: str
    state: str
    command_id: str


class Stopping(Wire):
    session_id: str
    state: str


def policy_of(ctx: Context) -> ChargingPolicy:
    return cast("ChargingPolicy", ctx.options.get("charging", DEFAULT_POLICY))


@router.post("/api/user/charging/start", status_code=202, response_model=DriverStarted)
async def start_mine(body: DriverStart, request: Request, ctx: Ctx, who: access.Driver) -> Response:
    """Set money apart and start charging. Once per Idempotency-Key."""

    async def do(uow: UnitOfWork) -> dict[str, Any]:
        session = await starts.begin(
            uow,
            station_id=body.device_id,
            connector_id=body.connector_id,
            payer=Payer.wallet(who.person_id),
            amount_minor=body.amount_minor,
            limit_energy_wh=body.limit_energy_wh,
            actor=who.actor,
            started_by="app",
            now=ctx.runtime.clock.now(),
            ids=ctx.runtime.ids,
            policy=policy_of(ctx),
        )
        answer = DriverStarted(
            session_id=session.id,
            state=session.state,
            hold_minor=session.hold_amount_minor,
            currency=session.currency,
        )
        return answer.model_dump(mode="json", by_alias=True)

    return await idempotent(request, ctx, f"start:{who.person_id}", body.model_dump(), do, status=202)


@router.post("/api/user/charging/stop", status_code=202)
async def stop_mine(body: StopIn, ctx: Ctx, who: access.Driver) -> Stopping:
    """Ask the station to stop my charge. Asking again is no error."""

    async def attempt(uow: UnitOfWork) -> Stopping:
        session = await store.find_session(uow, body.session_id)
        if session is None or session.driver_id != who.person_id:
            raise _unknown()
        return await _stop(uow, ctx, session, actor=who.actor)

    return await with_retries(ctx.database, ctx.runtime, attempt)


@router.post("/api/cms/charging/start", status_code=202, response_model=OperatorStarted)
async def start_for(body: OperatorStart, request: Request, ctx: Ctx, who: access.Operator) -> Response:
    """Start a charge at one of the organisation's stations. Somebody pays: say who. Once per
    Idempotency-Key."""

    async def do(uow: UnitOfWork) -> dict[str, Any]:
        requested = await starts.request(
            uow,
            station_id=body.station,
            connector_id=body.connector_id,
            payer=await _payer(uow, body.payer, who),
            amount_minor=body.amount_minor or policy_of(ctx).default_hold_minor,
            limit_energy_wh=body.limit_energy_wh,
            actor=who.actor,
            started_by="cms",
            organisation_id=who.organisation_id,
            now=ctx.runtime.clock.now(),
            ids=ctx.runtime.ids,
            policy=policy_of(ctx),
        )

        answer = OperatorStarted(
            session_id=requested.session.id, state=requested.session.state, command_id=requested.command_id
        )
        return answer.model_dump(mode="json", by_alias=True)

    return await idempotent(request, ctx, f"start:{who.person_id}", body.model_dump(), do, status=202)


@router.post("/api/cms/charging/stop", status_code=202)
async def stop_any(body: StopIn, ctx: Ctx, who: access.Operator) -> Stopping:
    """Ask the station to stop, whoever started the charge. Asking again is no error."""

    async def attempt(uow: UnitOfWork) -> Stopping:
        session = await store.find_session(uow, body.session_id)
        if session is None or who.organisation_id not in {None, session.organisation_id}:
            raise _unknown()
        return await _stop(uow, ctx, session, actor=who.actor)

    return await with_retries(ctx.database, ctx.runtime, attempt)


async def _payer(reader: Reader, said: PayerIn, who: Principal) -> Payer:
    """A driver's money is the platform's to look after: an organisation cannot spend it on its own word."""
    if said.kind == "free":
        return Payer.free(said.reason)
    if said.kind == "organisation":
        await _check_named(reader, said.driver_id, who)
        # "" stands for the station's own: a platform operator belongs to none.
        return Payer.organisation(who.organisation_id or "", said.driver_id)
    if said.driver_id is None:
        raise Invalid("driver_missing", "Say whose wallet pays.", hint="payer.driverId")
    if who.organisation_id is not None:
        raise Forbidden("platform_only", "Only the platform's own operators can charge a driver's wallet.")
    await people.get_driver(reader, said.driver_id)
    return Payer.wallet(said.driver_id)


async def _check_named(reader: Reader, driver_id: str | None, who: Principal) -> None:
    """A charge that is somebody's is seen by them, and shows them to whose station it is."""
    if driver_id is None:
        return
    if who.organisation_id is not None:
        raise Forbidden("platform_only", "Only the platform's own operators can name a driver.")
    await people.get_driver(reader, driver_id)


async def _stop(uow: UnitOfWork, ctx: Context, session: Session, *, actor: str) -> Stopping:
    asked = await stops.ask(
        uow,
        session_id=session.id,
        actor=actor,
        now=ctx.runtime.clock.now(),
        ids=ctx.runtime.ids,
        policy=policy_of(ctx),
    )
    return Stopping(session_id=asked.id, state=asked.state)


def _unknown() -> NotFound:
    return NotFound("session_unknown", "There is no such charging session.")
