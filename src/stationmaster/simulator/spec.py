"""Who is a simulated station, and how does it behave?"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Personality:
    """What sets a station apart from a well-behaved one."""

    name: str
    connects: bool = True
    drops_every_s: float = 0.0  # leaves without a word after about so long
    faulted_connector: int = 0
    rejects_remote_start: bool = False
    answers_after_s: float = 0.0  # commands are answered so much later


PERSONALITIES: Final = {
    personality.name: personality
    for personality in (
        Personality("normal"),
        Personality("faulted", faulted_connector=1),
        Personality("offline", connects=False),
        Personality("dropping", drops_every_s=45.0),
        Personality("rejecting", rejects_remote_start=True),
        Personality("slow", answers_after_s=6.0),
    )
}


@dataclass(frozen=True, slots=True)
class StationSpec:
    """One station to simulate. ``personality`` is a key of PERSONALITIES.

    ``local_every_s``: how often somebody swipes one of ``id_tokens`` at it, on average; 0 for never.
    """

    station_id: str
    password: str | bytes | None = None
    connectors: int = 1
    personality: str = "normal"
    rated_w: int = 22_000
    vendor: str = "Stationmaster"
    model: str = "Simulated"
    id_tokens: tuple[str, ...] = ()
    local_every_s: float = 0.0
    local_charge_s: float = 60.0


@dataclass(frozen=True, slots=True)
class Pace:
    """How time passes at the stations. Real seconds everywhere; ``time_scale`` multiplies the *power*: a
    charge of 20 seconds takes the energy of 20 x ``time_scale`` seconds, and the meter stays consistent.
    """

    meter_interval_s: float = 10.0
    time_scale: float = 1.0
    plug_in_s: float = 0.5
    unplug_s: float = 2.0
    reboot_s: float = 3.0
    ramp_s: float = 4.0
    answer_within_s: float = 30.0
    retry_transaction_s: float = 5.0
    back_off_s: float = 1.0
    back_off_max_s: float = 30.0
    ping_s: float = 30.0
