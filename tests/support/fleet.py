"""Simulated stations and the people who charge there, alive on an event loop in a thread of its own."""

import asyncio
import random
import threading
import uuid
from collections import Counter
from collections.abc import Callable, Coroutine, Iterable, Sequence
from typing import Any, Self, TypeVar

import httpx

from stationmaster.simulator.charger import Charger
from stationmaster.simulator.fleet import Fleet
from stationmaster.simulator.journal import Journal
from stationmaster.simulator.spec import Pace, StationSpec

T = TypeVar("T")
QUICK = Pace(
    meter_interval_s=0.5,
    time_scale=5.0,
    plug_in_s=0.1,
    unplug_s=0.2,
    reboot_s=1.0,
    ramp_s=0.5,
    answer_within_s=20.0,
    retry_transaction_s=1.0,
    back_off_s=0.3,
    back_off_max_s=2.0,
    ping_s=5.0,
)
"""A charge of four seconds moves about 100 Wh."""

PATIENCE = 200
"""How often an app tries again while the backend has trouble, half a second apart."""

ENDED = frozenset({"COMPLETED", "TERMINATED", "FAILED"})
UNDER_WAY = frozenset({"ONGOING", "STOPPING", "GHOST", "ORPHANED"})


class LiveFleet:
    """``with LiveFleet(...) as fleet``; ``people`` come when they are let in, and leave when asked to."""

    def __init__(self, url: str, specs: Sequence[StationSpec], *, pace: Pace = QUICK, seed: int = 0):
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="fleet", daemon=True)
        self.fleet = Fleet(url, specs, pace=pace, seed=seed)
        self._people: list[Driver] = []
        self._lives: list[asyncio.Task[None]] = []

    @property
    def journal(self) -> Journal:
        return self.fleet.journal

    def __enter__(self) -> Self:
        self._thread.start()
        self.run(self.fleet.start())
        return self

    def __exit__(self, *_: object) -> None:
        self.run(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _end(self) -> None:
        for life in self._lives:
            life.cancel()
        await asyncio.gather(*self._lives, return_exceptions=True)
        for person in self._people:
            await person.close()
        await self.fleet.stop()

    def run(self, work: Coroutine[Any, Any, T], *, within_s: float = 60.0) -> T:
        """In the fleet's loop, from any other thread."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(within_s)

    def do(self, what: Callable[[], T]) -> T:
        """The same for something that does not wait."""

        async def work() -> T:
            return what()

        return self.run(work())

    def charger(self, station_id: str) -> Charger:
        return self.fleet.chargers[station_id]

    def let_in(self, people: Iterable["Driver"]) -> None:
        """They begin to charge, again and again."""
        self.run(self._let_in(list(people)))

    async def _let_in(self, people: "list[Driver]") -> None:
        self._people += people
        self._lives += [asyncio.ensure_future(person.live()) for person in people]

    def send_home(self, *, within_s: float = 60.0) -> Counter[str]:
        """Everybody unplugs and leaves; what they saw. An error of theirs is an error here."""
        return self.run(self._send_home(within_s), within_s=within_s + 10)

    async def _send_home(self, within_s: float) -> Counter[str]:
        for person in self._people:
            person.is_leaving = True
        if self._lives:
            done, late = await asyncio.wait(self._lives, timeout=within_s)
            for life in done:
                life.result()
            assert not late, f"{len(late)} drivers do not leave"
        for charger in self.fleet.chargers.values():
            for connector in charger.charging:
                charger.unplug(connector.id)
        return sum((person.seen for person in self._people), Counter[str]())

    @property
    def is_quiet(self) -> bool:
        """Everybody is connected, nobody charges, nothing waits for an answer."""

        return self.do(lambda: all(map(_is_quiet, self.fleet.chargers.values())))


def _is_quiet(charger: Charger) -> bool:
    is_free = not any(connector.is_claimed for connector in charger.connectors.values())
    return charger.is_ready and charger.talk.is_idle and is_free


class Driver:
    """Somebody who charges at one station. ``seen`` counts what they met."""

    def __init__(self, charger: Charger, *, seed: int, charge_s: float = 3.0):
        self.charger, self.charge_s = charger, charge_s
        self.rng = random.Random(seed)
        self.is_leaving = False
        self.seen: Counter[str] = Counter()

    async def live(self) -> None:
        while not self.is_leaving:
            await asyncio.sleep(self.rng.uniform(0.2, 1.5))
            await self.charge()

    async def charge(self) -> None:
        raise NotImplementedError

    async def close(self) -> None:
        """Nothing to give back."""

    def _how_long(self) -> float:
        return self.charge_s * self.rng.uniform(0.5, 1.5)


class CardDriver(Driver):
    """Swipes a card at the station, charges a while, unplugs."""

    def __init__(self, charger: Charger, card: str, *, seed: int, charge_s: float = 3.0):
        super().__init__(charger, seed=seed, charge_s=charge_s)
        self.card = card

    async def charge(self) -> None:
        begun = await self.charger.plug_and_swipe(1, self.card)
        if begun is None:
            self.seen["card_not_taken"] += 1
            return
        self.seen["card_begun"] += 1
        await asyncio.sleep(self._how_long())
        if self.charger.connectors[1].transaction is begun:
            self.charger.unplug(1)


class AppDriver(Driver):
    """Starts and stops with the app; pulls the plug when the app does not help."""

    def __init__(
        self,
        charger: Charger,
        client: httpx.AsyncClient,
        *,
        seed: int,
        amount_minor: int = 20_000,
        charge_s: float = 3.0,
    ):
        super().__init__(charger, seed=seed, charge_s=charge_s)
        self._client, self._amount_minor = client, amount_minor

    async def close(self) -> None:
        await self._client.aclose()

    async def charge(self) -> None:
        started = await self._post(
            "/api/user/charging/start",
            key=str(uuid.UUID(int=self.rng.getrandbits(128))),
            deviceId=self.charger.spec.station_id, connectorId=1, amountMinor=self._amount_minor,
        )  # fmt: skip
        if started is None:
            return
        session_id = started["sessionId"]
        if await self._until(session_id, UNDER_WAY | ENDED, within_s=12) in UNDER_WAY:
            await asyncio.sleep(self._how_long())
            await self._post("/api/user/charging/stop", sessionId=session_id)
            if await self._until(session_id, ENDED, within_s=8) in ENDED:
                self.seen["app_charged"] += 1
                return
        self._pull_plug()
        self.seen[f"app_ended_{await self._until(session_id, ENDED, within_s=5)}"] += 1

    def _pull_plug(self) -> None:
        begun = self.charger.connectors[1].transaction
        if begun is not None and begun.is_remote:
            self.seen["plug_pulled"] += 1
            self.charger.unplug(1)

    async def _post(self, path: str, *, key: str = "", **body: Any) -> Any:
        """Again while the backend has trouble, with the same key; None when it says no."""
        headers = {"Idempotency-Key": key} if key else {}
        for _ in range(PATIENCE):
            try:
                answer = await self._client.post(path, json=body, headers=headers)
            except httpx.HTTPError as error:
                self.seen[f"app_{type(error).__name__}"] += 1
            else:
                if answer.status_code < 400:
                    return answer.json()
                self.seen[f"app_{answer.status_code}_{answer.json().get('code')}"] += 1
                if answer.status_code < 500:
                    return None
            await asyncio.sleep(0.5)
        raise AssertionError(f"{path} stays in trouble: {self.seen}")

    async def _until(self, session_id: str, states: frozenset[str], *, within_s: float) -> str:
        """The session's state, one of these or the last one seen."""
        until, state = asyncio.get_running_loop().time() + within_s, ""
        while asyncio.get_running_loop().time() < until:
            await asyncio.sleep(0.4)
            try:
                answer = await self._client.get(f"/api/user/sessions/{session_id}")
                answer.raise_for_status()
            except httpx.HTTPError as error:
                self.seen[f"app_{type(error).__name__}"] += 1
                continue
            state = str(answer.json()["state"])
            if state in states:
                break
        return state
