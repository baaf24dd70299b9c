"""A small believable world to try everything in: people, money, a tariff, and a fleet with its share of trouble."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from stationmaster.compose.adapters import Parts
from stationmaster.identity import id_tokens, people
from stationmaster.infra.db.database import UnitOfWork
from stationmaster.simulator.fleet import Pace, StationSpec
from stationmaster.stations import registry
from stationmaster.tariffs import versions
from stationmaster.wallet import credits

CURRENCY = "INR"
PRICE_MINOR_PER_KWH = 1_850  # 18.50 INR
DRIVER_CREDIT_MINOR = 150_000
RATED_W = 22_000
TIME_SCALE = 15.0
"""Energy flows so much faster: a minute's charge fills a receipt."""

PACE = Pace(meter_interval_s=2.0, time_scale=TIME_SCALE, plug_in_s=0.4, unplug_s=1.5)
PERSONALITIES = {"PUN-009": "faulted", "PUN-010": "offline", "PUN-011": "rejecting", "PUN-012": "slow"}
STATIONS = 12
CONNECTORS = 2
LOCAL_EVERY_S = 45.0
SITES = ("Koregaon Park", "Hinjewadi Phase 1", "Viman Nagar")
MODELS = (("Tata Power", "EZ-22"), ("Exicom", "Harmony AC"), ("Delta", "AC Max"))


@dataclass(slots=True)
class World:
    """What was made; kept beside the database so that a second start finds the same sign-ins."""

    operator_email: str = "operator@demo.example"
    operator_password: str = ""
    driver_email: str = "asha@demo.example"
    driver_password: str = ""
    driver_id: str = ""
    organisation_id: str = ""
    stations: dict[str, str] = field(default_factory=dict)  # id -> password
    cards: list[str] = field(default_factory=list)


async def make(parts: Parts) -> World:
    """The world of this data directory, made at the first call."""
    file = parts.settings.data_dir / "demo.json"
    if file.exists():
        return World(**json.loads(file.read_text(encoding="utf-8")))
    assert parts.database is not None
    world = World(operator_password=parts.runtime.ids.token(10), driver_password=parts.runtime.ids.token(10))
    async with parts.database.transaction() as uow:
        await _people(uow, parts, world)
        await _stations(uow, parts, world)
    _keep(file, world)
    return world


def _keep(file: Path, world: World) -> None:
    file.touch(mode=0o600)
    file.write_text(json.dumps(asdict(world), indent=1), encoding="utf-8")


async def _people(uow: UnitOfWork, parts: Parts, world: World) -> None:
    now, ids = parts.runtime.clock.now(), parts.runtime.ids
    owner = await people.create_organisation(uow, name="Pune Charging Company", now=now, ids=ids)
    world.organisation_id = owner.id
    await people.create_operator(
        uow,
        email=world.operator_email,
        password=world.operator_password,
        name="Omkar (operator)",
        role="admin",
        now=now,
        ids=ids,
    )
    for number, (email, name) in enumerate(
        ((world.driver_email, "Asha"), ("ravi@demo.example", "Ravi"), ("meera@demo.example", "Meera"))
    ):
        password = world.driver_password if number == 0 else ids.token(16)
        driver = await people.create_driver(uow, email=email, password=password, name=name, now=now, ids=ids)
        world.driver_id = world.driver_id or driver.id
        await credits.credit(
            uow,
            driver_id=driver.id,
            amount_minor=DRIVER_CREDIT_MINOR,
            currency=CURRENCY,
            reason="demo money",
            actor="system:demo",
            key=f"demo:{driver.id}",
            now=now,
            ids=ids,
        )
        if number:
            card = f"CARD{name.upper()}"
            await id_tokens.register(
                uow,
                token=card,
                organisation_id=owner.id,
                payer_kind="wallet",
                driver_id=driver.id,
                now=now,
                ids=ids,
            )
            world.cards.append(card)
    await id_tokens.register(
        uow, token="CARDFLEET", organisation_id=owner.id, payer_kind="organisation", now=now, ids=ids
    )
    world.cards.append("CARDFLEET")


async def _stations(uow: UnitOfWork, parts: Parts, world: World) -> None:
    now, ids = parts.runtime.clock.now(), parts.runtime.ids
    tariff, _ = await versions.create(
        uow,
        organisation_id=world.organisation_id,
        name="City",
        price_minor_per_kwh=PRICE_MINOR_PER_KWH,
        actor="system:demo",
        now=now,
        ids=ids,
    )
    for number in range(1, STATIONS + 1):
        station_id = f"PUN-{number:03d}"
        _, password = await registry.create(
            uow,
            station_id=station_id,
            organisation_id=world.organisation_id,
            site=SITES[number % len(SITES)],
            name=f"{SITES[number % len(SITES)]} {number}",
            connector_count=CONNECTORS,
            max_power_w=int(RATED_W * TIME_SCALE),
            tariff_id=tariff.id,
            pepper=parts.secrets.station_pepper,
            now=now,
            ids=ids,
        )
        world.stations[station_id] = password or ""


def fleet_of(world: World, *, only: str | None = None) -> list[StationSpec]:
    """The stations to simulate; ``only`` one of them, undisturbed."""
    return [
        StationSpec(
            station_id=station_id,
            password=password,
            connectors=CONNECTORS,
            rated_w=RATED_W,
            vendor=MODELS[number % len(MODELS)][0],
            model=MODELS[number % len(MODELS)][1],
            personality=PERSONALITIES.get(station_id, "normal"),
            id_tokens=tuple(world.cards),
            local_every_s=0.0 if only or number in {0, 1} else LOCAL_EVERY_S,
        )
        for number, (station_id, password) in enumerate(world.stations.items())
        if only in {None, station_id}
    ]
