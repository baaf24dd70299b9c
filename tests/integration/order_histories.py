"""What some stations say, in order; and the ways in which a broker may deliver it."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from stationmaster.contracts import envelope as envelopes
from stationmaster.contracts.envelope import Envelope
from stationmaster.kernel.clock import isoformat_z
from stationmaster.ocpp.actions16 import DECIDED

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
ORGANISATION = "org_order"
MAILBOX = "charging.gateway.order"
Link = tuple[str, int]


@dataclass
class Frame:
    key: str
    body: bytes
    place: tuple[str, int, int]
    is_decided: bool


@dataclass
class History:
    """One run: fresh stations, and what each says on its links. ``phases``: first links, then second
    links.
    """

    seed: int
    stations: list[str]
    phases: list[list[Frame]] = field(default_factory=list)
    is_across_links: bool = False

    @property
    def frames(self) -> list[Frame]:
        return [frame for phase in self.phases for frame in phase]

    def ends(self, phase: int) -> dict[Link, int]:
        """How far each link of a phase goes."""
        ends: dict[Link, int] = {}
        for frame in self.phases[phase]:
            ends[frame.place[:2]] = max(frame.place[2], ends.get(frame.place[:2], 0))
        return ends


class _Station:
    """Speaks on one link; ``at`` is its clock."""

    def __init__(self, station: str, epoch: int, at: datetime, rng: random.Random):
        self.station, self.epoch, self.at, self.rng = station, epoch, at, rng
        self.seq = 0
        self.frames: list[Frame] = []
        self.wh = rng.randrange(1000)
        self.wh_max = 300

    def say(
        self, action: str, payload: dict[str, Any], *, kind: str = "call", proposed: int | None = None
    ) -> None:
        self.seq += 1
        self.at += timedelta(seconds=self.rng.randint(1, 20))
        is_decided = kind == "call" and action in DECIDED
        envelope = Envelope(
            id=envelopes.envelope_id(self.station, self.epoch, kind, self.seq),
            device_id=self.station,
            charger_id=f"chg_{self.station}",
            epoch=self.epoch,
            seq=self.seq,
            kind=kind,
            message_type=action,
            message_id=f"m{self.seq}",
            payload=msgspec.Raw(msgspec.json.encode(payload)),
            timestamp=isoformat_z(self.at),
            answer=msgspec.Raw(b"null" if is_decided or kind != "call" else b"{}"),
            proposed_transaction_id=proposed,
            gateway_id="order",
            reply_to=MAILBOX if is_decided else "",
        )
        key = envelopes.routing_key(envelope, frozenset({action}))
        self.frames.append(
            Frame(key, envelopes.encode(envelope), (self.station, self.epoch, self.seq), is_decided)
        )

    def status(self, connector: int, status: str) -> None:
        stamp = isoformat_z(self.at)
        self.say(
            "StatusNotification",
            {"connectorId": connector, "errorCode": "NoError", "status": status, "timestamp": stamp},
        )

    def meter(self, connector: int, transaction: int) -> None:
        self.wh += self.rng.randrange(self.wh_max)
        sampled = [
            {"value": str(self.wh), "measurand": "Energy.Active.Import.Register", "unit": "Wh"},
            {"value": str(self.rng.randrange(22_000)), "measurand": "Power.Active.Import", "unit": "W"},
        ]
        value = {"timestamp": isoformat_z(self.at), "sampledValue": sampled}
        self.say(
            "MeterValues", {"connectorId": connector, "transactionId": transaction, "meterValue": [value]}
        )

    def charge(self, connector: int, token: str, transaction: int) -> None:
        """A whole charge, with what stations say in between."""
        self.begin(connector, token, transaction)
        self.end(connector, transaction)

    def begin(self, connector: int, token: str, transaction: int) -> None:
        self.status(connector, "Preparing")
        if self.rng.random() < 0.5:
            self.say("Authorize", {"idTag": token})
        start = {
            "connectorId": connector,
            "idTag": token,
            "meterStart": self.wh,
            "timestamp": isoformat_z(self.at),
        }
        self.say("StartTransaction", start, proposed=transaction)
        self.status(connector, "Charging")
        for _ in range(self.rng.randint(1, 8)):
            self.meter(connector, transaction)
            if self.rng.random() < 0.1:
                self.say("Reset", {"status": "Accepted"}, kind="result")

    def end(self, connector: int, transaction: int) -> None:
        stop = {
            "transactionId": transaction,
            "meterStop": self.wh,
            "timestamp": isoformat_z(self.at),
            "reason": "Local",
        }
        self.say("StopTransaction", stop)
        self.status(connector, "Finishing")
        self.status(connector, "Available")


def history(seed: int) -> History:
    """Everything follows from the seed."""
    if seed % 4 == 0:
        return across_links(seed)
    rng = random.Random(seed)
    stations = [f"R{seed:05}S{n}" for n in range(rng.randint(2, 4))]
    made = History(seed, stations, [[], []] if rng.random() < 0.3 else [[]])
    for number, station in enumerate(stations):
        at = BEGIN + timedelta(hours=seed)
        for phase, frames in enumerate(made.phases):
            link = _Station(station, (seed * 10 + phase + 1) * 4096 + number, at, rng)
            link.say(envelopes.LINK_OPENED, {}, kind="link")
            link.say("BootNotification", {"chargePointVendor": "V", "chargePointModel": f"M{phase}"})
            for charge in range(rng.randint(1, 2)):
                token = f"T-{station}" if rng.random() < 0.9 else "NOBODY"
                link.charge(rng.randint(1, 2), token, 1 + seed * 100 + number * 10 + phase * 4 + charge)
            if rng.random() < 0.8:
                link.say(envelopes.LINK_CLOSED, {"lastSeq": link.seq + 1}, kind="link")
            frames.extend(link.frames)
            at = link.at
    return made


def across_links(seed: int) -> History:
    """Each station begins a charge on one link and ends it on the next, and both links' frames are delivered
    together: competing workers have the start and the stop in hand at the same time.

    All rows must be equal (but see OF_THE_WAY), so two things are left out here that rightly depend on
    what was known when. The older link's end: when the newer one was heard of first, the station was never
    away. And a second charge: where it had begun on the connector before the first one's frames came, the
    first would be told differently (its end was not seen in time). The registers are believable: of those
    that are not, only what had been sampled by the time of the stop is counted.
    """
    rng = random.Random(seed)
    made = History(seed, [f"R{seed:05}S{n}" for n in range(rng.randint(2, 4))], [[]], is_across_links=True)
    older: list[Frame] = []
    newer: list[Frame] = []
    for number, station in enumerate(made.stations):
        connector, transaction = rng.randint(1, 2), 1 + seed * 100 + number * 10
        first = _opened(station, (seed * 10 + 1) * 4096 + number, BEGIN + timedelta(hours=seed), rng)
        first.wh_max = 6
        first.begin(connector, f"T-{station}" if rng.random() < 0.9 else "NOBODY", transaction)
        second = _opened(station, (seed * 10 + 2) * 4096 + number, first.at, rng)
        second.wh = first.wh
        second.end(connector, transaction)
        older += first.frames
        newer += second.frames
    made.phases[0] = older + newer
    return made


def _opened(station: str, epoch: int, at: datetime, rng: random.Random) -> _Station:
    link = _Station(station, epoch, at, rng)
    link.say(envelopes.LINK_OPENED, {}, kind="link")
    link.say("BootNotification", {"chargePointVendor": "V", "chargePointModel": f"M{epoch % 10}"})
    return link


def deliveries(history: History, phase: int, rng: random.Random) -> list[tuple[str, list[bytes]]]:
    """Messages: shuffled (sometimes only a little), some frames more than once, packed in odd ways."""
    frames = list(history.phases[phase])
    frames += [frame for frame in frames if rng.random() < 0.15]
    frames += [frame for earlier in history.phases[:phase] for frame in earlier if rng.random() < 0.1]
    if rng.random() < 0.5:
        rng.shuffle(frames)
    else:
        _stir(frames, rng)
    messages = []
    while frames:
        size = rng.choice([1, 1, 2, 5, 20])
        pack, frames = frames[:size], frames[size:]
        messages.append((pack[0].key, [frame.body for frame in pack]))
    return messages


def _stir(frames: list[Frame], rng: random.Random) -> None:
    """Neighbours change places: what competing workers usually see."""
    for index in range(len(frames) - 1):
        other = min(len(frames) - 1, index + rng.randint(0, 6))
        frames[index], frames[other] = frames[other], frames[index]


def in_small_steps(frames: Sequence[Frame], rng: random.Random) -> list[list[bytes]]:
    """In order, a few at a time: how a single worker would meet them."""
    steps, rest = [], [frame.body for frame in frames]
    while rest:
        size = rng.choice([1, 1, 3, 10])
        steps.append(rest[:size])
        rest = rest[size:]
    return steps
