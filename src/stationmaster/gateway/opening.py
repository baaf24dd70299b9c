"""From an accepted socket to an open link: admitted, not a second one, numbered, told.

One opening at a time per station, so that two connections that come together are dealt with one after the
other.
"""

import asyncio
from collections.abc import Callable
from weakref import WeakValueDictionary

import structlog

from stationmaster.contracts.presence import Place
from stationmaster.gateway.admission import Admission, Candidate, Refusal
from stationmaster.gateway.directory_cache import DirectoryCache
from stationmaster.gateway.epochs import Epochs
from stationmaster.gateway.kit import Kit
from stationmaster.gateway.link import Link
from stationmaster.gateway.ports import StationRecord
from stationmaster.gateway.presence import Presence
from stationmaster.gateway.refusals import Refusals
from stationmaster.gateway.socket import StationSocket
from stationmaster.gateway.takeover import Takeover
from stationmaster.kernel.errors import Unavailable

log = structlog.get_logger()

REFUSED = (1008, "refused")
"""One word for unknown, wrong and second: strangers learn nothing from it."""


class Opening:
    """Knows everybody who has a say before a link is open."""

    def __init__(
        self,
        *,
        admission: Admission,
        cache: DirectoryCache,
        refusals: Refusals,
        takeover: Takeover,
        presence: Presence,
        epochs: Epochs,
        kit: Kit,
        links: dict[str, Link],
        opened: Callable[[Link], None],
    ):
        self._admission, self._cache, self._refusals = admission, cache, refusals
        self._takeover, self._presence, self._epochs = takeover, presence, epochs
        self._kit, self._links, self._opened = kit, links, opened
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def open(self, socket: StationSocket, record: StationRecord | None) -> None:
        """``record``: what the memory admitted by; None: the directory has to be asked."""
        try:
            await self._open(socket, record)
        except BaseException:
            socket.close(1011, "internal error")
            raise

    async def _open(self, socket: StationSocket, record: StationRecord | None) -> None:
        admitted = record or await self._ask(socket)
        if admitted is None:
            return
        candidate = socket.candidate
        turn = self._turns.setdefault(candidate.identity, asyncio.Lock())
        async with turn:
            if socket.is_closing:  # It left while it waited, and must not push anybody out.
                return
            above = await self._room(candidate, admitted)
            if above is None:
                self.refuse(socket, Refusal(409, "duplicate_link"))
            elif not socket.is_closing:
                await self._begin(socket, admitted, above)

    def refuse(self, socket: StationSocket, refusal: Refusal) -> None:
        self._refusals.note(socket.candidate, refusal)
        code, word = (1013, "try again later") if refusal.status == 503 else REFUSED
        socket.close(code, word)

    async def _ask(self, socket: StationSocket) -> StationRecord | None:
        """Admitted by the directory's word now, or closed."""
        candidate = socket.candidate
        try:
            record = await self._cache.ask(candidate.identity)
        except Unavailable as error:
            self.refuse(socket, Refusal(503, "directory_unavailable", error.message[:200]))
            return None
        refusal = self._admission.examine(record, candidate)
        if refusal is not None:
            self._admission.refused(candidate, refusal)
            self.refuse(socket, refusal)
            return None
        assert record is not None
        return record

    async def _room(self, candidate: Candidate, record: StationRecord) -> int | None:
        """None: a live link of this station stays. Else the highest epoch known, to be above of."""
        old = self._links.get(candidate.identity)
        if old is not None:
            is_free = await self._takeover.may_replace_here(old, record, candidate.address)
            return max(old.epoch, record.epoch) if is_free else None
        place = await self._presence.whereabouts(candidate.identity)
        if place is None:
            return record.epoch
        is_free = await self._takeover.may_replace_elsewhere(place, record, candidate.address)
        return max(place.epoch, record.epoch) if is_free else None

    async def _begin(self, socket: StationSocket, record: StationRecord, above: int) -> None:
        self._admission.admitted(socket.candidate)
        link = Link(socket, record, self._epochs.mint(above=above), self._kit)
        self._links[record.station_id] = link
        self._opened(link)
        link.open()
        await self._presence.tell([(record.station_id, place_of(link))])

    async def recheck(self, link: Link) -> None:
        """Ask again for a station that is here: what it may has perhaps changed."""
        try:
            record = await self._cache.ask(link.station_id)
        except Unavailable:
            return
        refusal = self._admission.examine(record, link.socket.candidate)
        if refusal is not None:
            self._refusals.note(link.socket.candidate, refusal)
            link.end(1008, "no longer admitted")
        elif record is not None:
            link.record = record


def place_of(link: Link) -> Place:
    return Place(gateway=link.kit.gateway_id, epoch=link.epoch, since=link.opened_at)
