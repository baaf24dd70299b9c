"""May this connection come in?

The upgrade hook is synchronous, so it decides from memory: yes; no, with an HTTP status; or "ask the
directory" - then the upgrade is accepted, frames wait, and the connection goes on or is closed (1008).

Unknown station and wrong password are one answer, by status, by timing and by how it changes when repeated:
both are asked of the directory (the password may have been changed there), both end in the same close, and
both are refused from memory for a while afterwards.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from stationmaster.contracts import credentials
from stationmaster.gateway import basic_auth, limits
from stationmaster.gateway.addresses import Networks, remote_address
from stationmaster.gateway.directory_cache import DirectoryCache
from stationmaster.gateway.identity import cleaned, parse_path
from stationmaster.gateway.options import GatewayOptions
from stationmaster.gateway.ports import StationRecord
from stationmaster.gateway.rates import Window
from stationmaster.kernel.clock import Clock
from stationmaster.kernel.errors import Invalid, NotFound
from stationmaster.ocpp.subprotocol import choose


@dataclass(frozen=True, slots=True)
class Refusal:
    """No, and why. The reason is for operators; the stranger gets the status only."""

    status: int
    reason: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Candidate:
    """Who claims to be there, and with what."""

    identity: str
    address: str
    subprotocol: str
    path: str
    password: bytes | None
    has_credentials: bool

    @property
    def claim(self) -> tuple[str, str | None]:
        """Identity and password, for remembering refusals (never the password itself)."""
        return (self.identity, None if self.password is None else credentials.digest(b"claim", self.password))


@dataclass(frozen=True, slots=True)
class Verdict:
    """``record``: come in. ``refusal``: no. Neither: ask the directory."""

    candidate: Candidate
    record: StationRecord | None = None
    refusal: Refusal | None = None


class Admission:
    """Rules, memory and rate limits of the door."""

    def __init__(self, options: GatewayOptions, cache: DirectoryCache, clock: Clock):
        self._options, self._cache, self._clock = options, cache, clock
        self._proxies = Networks(options.trusted_proxies)
        self._unlimited = Networks(options.unlimited_networks)
        self._by_identity = Window(limits.HANDSHAKES_PER_MIN_IDENTITY, 60.0)
        self._by_address = Window(limits.HANDSHAKES_PER_MIN_ADDRESS, 60.0)
        self._failures = Window(limits.FAILURES_BEFORE_DELAY, limits.FAILURE_DELAY_S)
        self._refused: dict[object, tuple[float, Refusal]] = {}

    def decide(self, path: bytes, headers: Mapping[str, str], offered: list[str], peer: str) -> Verdict:
        """From memory, at once."""
        address = remote_address(peer, headers.get("X-Forwarded-For"), self._proxies)
        candidate = self._candidate(path, headers, offered, address)
        if isinstance(candidate, Refusal):
            return Verdict(_nobody(path, address), refusal=candidate)
        record = self._cache.known(candidate.identity)
        if record is not None and self.examine(record, candidate) is None:
            refusal = self._too_often(candidate, from_memory=True)
            return Verdict(candidate, refusal=refusal) if refusal else Verdict(candidate, record)
        return Verdict(
            candidate, refusal=self._too_often(candidate, from_memory=False) or self._lately(candidate)
        )

    def examine(self, record: StationRecord | None, candidate: Candidate) -> Refusal | None:
        """The rule itself: does what was shown fit the record?"""
        if record is None:
            credentials.digest(b"nobody", candidate.password or b"")
            return Refusal(401, "unknown_station")
        if record.security_profile >= 1 and (refusal := self._wrong_password(record, candidate)):
            return refusal
        if record.is_archived:
            return Refusal(403, "archived_station")
        if record.security_profile >= 3 or (record.security_profile == 2 and not self._options.is_behind_tls):
            return Refusal(
                403, "insecure_profile", f"the station is set to profile {record.security_profile}"
            )
        return None

    def _wrong_password(self, record: StationRecord, candidate: Candidate) -> Refusal | None:
        if candidate.password is None:
            return Refusal(401, "wrong_username" if candidate.has_credentials else "no_password")
        pepper = self._options.peppers.get(record.pepper_id)
        if pepper is None or record.key_digest is None:
            return Refusal(401, "no_key", "the station has no key, or its pepper is not set here")
        if not credentials.matches(pepper, candidate.password, record.key_digest):
            return Refusal(401, "wrong_password")
        return None

    def refused(self, candidate: Candidate, refusal: Refusal) -> None:
        """Remember a refusal that the directory was asked for."""
        now = self._clock.monotonic()
        self._refused[candidate.claim] = (now, refusal)
        while len(self._refused) > limits.TRACKED_KEYS_MAX:
            del self._refused[next(iter(self._refused))]
        if refusal.status == 401:
            self._failures.add((candidate.identity, candidate.address), now)

    def admitted(self, candidate: Candidate) -> None:
        """The genuine one came: forget its failures."""
        self._failures.forget((candidate.identity, candidate.address))

    def _candidate(
        self, path: bytes, headers: Mapping[str, str], offered: list[str], address: str
    ) -> Candidate | Refusal:
        if sum(len(name) + len(value) + 4 for name, value in headers.items()) > limits.HEADER_BYTES_MAX:
            return Refusal(431, "headers_too_large")
        try:
            identity, version = parse_path(path)
        except NotFound as error:
            return Refusal(404, error.code)
        except Invalid as error:
            return Refusal(400, error.code, error.message)
        subprotocol = choose(offered, version)
        if subprotocol is None:
            return Refusal(400, "no_subprotocol", ", ".join(offered)[:100])
        authorization = headers.get("Authorization")
        password = basic_auth.password_of(authorization, identity)
        text = path.partition(b"?")[0].decode("latin-1")
        return Candidate(identity, address, subprotocol, text, password, authorization is not None)

    def _too_often(self, candidate: Candidate, *, from_memory: bool) -> Refusal | None:
        if candidate.address in self._unlimited:
            return None
        now, pair = self._clock.monotonic(), (candidate.identity, candidate.address)
        if not from_memory and self._failures.is_full(pair, now):
            return Refusal(429, "too_many_failures")
        if self._by_identity.is_full(pair, now):
            return Refusal(429, "too_many_handshakes")
        self._by_identity.add(pair, now)
        if from_memory:
            return None
        if self._by_address.is_full(candidate.address, now):
            return Refusal(429, "too_many_handshakes", "from this address")
        self._by_address.add(candidate.address, now)
        return None

    def _lately(self, candidate: Candidate) -> Refusal | None:
        known = self._refused.get(candidate.claim)
        if known is None or self._clock.monotonic() - known[0] > self._options.refused_for_s:
            return None
        if known[1].status == 401:
            self._failures.add((candidate.identity, candidate.address), self._clock.monotonic())
        return known[1]


def _nobody(path: bytes, address: str) -> Candidate:
    """A request that could not even name a station."""
    return Candidate(cleaned(path.rpartition(b"/")[2]), address, "", "", None, has_credentials=False)
