"""What may be set about a gateway, and what it is when nothing is set?"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from stationmaster.contracts.topology import Names
from stationmaster.gateway import limits


@dataclass(frozen=True, slots=True, kw_only=True)
class OfflinePolicy:
    """Whose charge may begin while nobody can be asked (architecture 3.4)?

    One-time tokens come with a remote start that somebody already paid for; operator tokens come with the
    station's record; remembered ones were accepted lately and the backend said they may be remembered.
    Everyone else is a payer that cannot be checked.
    """

    one_time_tokens: bool = True
    operator_tokens: bool = True
    remembered_tokens: bool = True
    unknown_tokens: bool = False
    remember_s: float = 24 * 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayOptions:
    """Ports 0 in ``listeners`` take a free one (see ``Gateway.ports``). An empty ``gateway_id`` is made once
    and kept in ``data_dir``. ``peppers`` maps a record's pepper_id to the secret of its digest.
    """

    data_dir: Path
    listeners: tuple[tuple[str, int], ...] = (("127.0.0.1", 9000),)
    gateway_id: str = ""
    peppers: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    names: Names = field(default_factory=Names)

    heartbeat_interval_s: int = 300
    confirm_within_s: float = (
        2.0  # for whoever builds the bus: after it a publish is unknown and the frame spools
    )
    decide_within_s: float = 8.0
    answer_within_s: float = 30.0  # a station's answer to a command of ours

    takeover: Literal["newest", "oldest"] = "oldest"
    offline: OfflinePolicy = field(default_factory=OfflinePolicy)
    ids_per_lease: int = 64

    is_behind_tls: bool = False  # TLS ends in front of us: profile 2 stations may connect here
    disk_in_thread: bool = False  # small disk work in the loop's own thread: deterministic runs
    reuse_port: bool = False  # several gateways on one host and port
    trusted_proxies: tuple[str, ...] = ()  # networks whose X-Forwarded-For is believed
    unlimited_networks: tuple[str, ...] = ("127.0.0.0/8", "::1/128")  # no rate limits for these

    frames_per_s: float = limits.FRAMES_PER_S  # 0: no limit (measurements)
    frames_burst: int = limits.FRAMES_BURST
    connections_max: int = limits.CONNECTIONS_MAX
    connections_per_address_max: int = limits.CONNECTIONS_PER_ADDRESS_MAX

    probe_within_s: float = 2.0  # takeover: how long the old socket has for its pong
    probe_elsewhere_s: float = 3.0  # takeover: how long the other gateway has
    presence_ttl_s: float = 180.0
    presence_every_s: float = 60.0
    heartbeats_every_s: float = 60.0
    refusals_every_s: float = 1.0
    directory_fresh_s: float = 60.0  # a record older than this is asked for again, in the background
    directory_sweep_s: float = 600.0  # records of connected stations are asked for again this often
    refused_for_s: float = 10.0  # a refused identity and password are refused again at once for so long
    ping_idle_s: float = limits.PING_IDLE_S
    drain_within_s: float = 10.0  # on stop
