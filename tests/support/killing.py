"""Processes that are killed at random moments, and started again at once."""

import random
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tests.support.installation import Installation, wait_until
from tests.support.server import connects
from tests.support.services import Rabbit, Services

BACK_WITHIN_S = 120.0
PATIENCE = 0.75
"""How often its return is waited for; else the next blow may fall while it is still starting."""


@dataclass
class Victim:
    """``rest_s``: how long it may live after it is back, at least and at most."""

    name: str
    kill: Callable[[], None]
    start: Callable[[], None]
    is_back: Callable[[], bool]
    rest_s: tuple[float, float]
    kills: int = 0
    away_s: list[float] = field(default_factory=list)

    def haunt(self, rng: random.Random, times: int) -> None:
        while self.kills < times:
            time.sleep(rng.uniform(*self.rest_s))
            began = time.monotonic()
            self.kill()
            self.kills += 1
            self.start()
            if rng.random() < PATIENCE or self.kills == times:
                wait_until(self.is_back, f"{self.name} is back", within_s=BACK_WITHIN_S)
                self.away_s.append(time.monotonic() - began)

    @property
    def recovery(self) -> dict[str, float]:
        """From the blow to being back."""
        ordered = sorted(self.away_s) or [0.0]
        middle = ordered[len(ordered) // 2]
        return {"kills": self.kills, "p50_s": round(middle, 1), "max_s": round(ordered[-1], 1)}


def listens(port: int) -> bool:
    if (connection := connects(port)) is None:
        return False
    connection.close()
    return True


def victims_of(place: Installation, rabbit: Rabbit) -> list[Victim]:
    """Worker, gateway, broker."""
    worker, gateway = place.roles["ocpp-worker"], place.roles["gateway"]
    log_ends_at = [worker.log.stat().st_size]

    def kill_worker() -> None:
        worker.kill()
        log_ends_at[0] = worker.log.stat().st_size

    def works() -> bool:
        if (
            not worker.is_running
        ):  # it gave up waiting for the broker: whoever watches over it starts it again
            worker.start()
        with worker.log.open("rb") as log:
            log.seek(log_ends_at[0])
            return b"worker.consuming" in log.read()

    return [
        Victim("ocpp-worker", kill_worker, worker.start, works, (1.0, 7.0)),
        Victim("gateway", gateway.kill, gateway.start, lambda: listens(place.ocpp_port), (1.0, 8.0)),
        Victim("broker", rabbit.kill, rabbit.start, lambda: True, (1.0, 5.0)),
    ]


def backend_of(place: Installation, services: Services) -> list[Victim]:
    """What the three lean on: the databases, the API, the scheduler."""
    api, scheduler = place.roles["api"], place.roles["scheduler"]

    def always() -> bool:
        return True

    return [
        Victim("postgres", services.postgres.kill, services.postgres.start, always, (3.0, 9.0)),
        Victim("redis", services.redis.kill, services.redis.start, always, (2.0, 9.0)),
        Victim("api", api.kill, api.start, lambda: listens(place.api_port), (3.0, 12.0)),
        Victim("scheduler", scheduler.kill, scheduler.start, always, (3.0, 12.0)),
    ]


def haunt_all(victims: Sequence[Victim], *, times: int, seed: int) -> None:
    """Each in its own time, so that blows also fall together."""
    failures: list[BaseException] = []

    def haunt(victim: Victim, rng: random.Random) -> None:
        try:
            victim.haunt(rng, times)
        except BaseException as error:  # noqa: BLE001 - the test's own thread raises it
            failures.append(error)

    threads = [
        threading.Thread(target=haunt, args=(victim, random.Random(seed * 1000 + n)), name=victim.name)
        for n, victim in enumerate(victims)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
