"""Two connections, one identity: which of them is the station? (architecture 5)

The new one has already shown its password. It replaces the old one when that comes from the same address (a
reboot without a close) or fails a ping. A live old link elsewhere stays - unless TAKEOVER=newest, and then
only for stations with a password, and not when two machines keep fighting. A link on another gateway is asked
for by queue; silence there means that gateway is dead.
"""

import asyncio
from collections.abc import Callable
from typing import Final

import structlog

from stationmaster.contracts.commands import ClosedLink, ProbeAnswer
from stationmaster.contracts.presence import Place
from stationmaster.contracts.topology import gateway_queue
from stationmaster.gateway import limits, metrics
from stationmaster.gateway.link import Link
from stationmaster.gateway.options import GatewayOptions
from stationmaster.gateway.ports import StationRecord
from stationmaster.gateway.rates import Window
from stationmaster.gateway.stamping import document
from stationmaster.infra.bus.port import Bus, Message, Unroutable
from stationmaster.infra.runtime import Runtime
from stationmaster.kernel.errors import Unavailable

log = structlog.get_logger()

REPLACED: Final = (1008, "replaced by a newer connection")


class Takeover:
    """Decides for this gateway's links, asks others about theirs, and answers when asked."""

    def __init__(
        self,
        bus: Bus,
        runtime: Runtime,
        options: GatewayOptions,
        *,
        gateway_id: str,
        find_link: Callable[[str], Link | None],
    ):
        self._bus, self._runtime, self._options = bus, runtime, options
        self._gateway_id, self._find_link = gateway_id, find_link
        self._asked: dict[tuple[str, int], asyncio.Future[bool]] = {}
        self._forced = Window(limits.TAKEOVERS_MAX, limits.TAKEOVER_WINDOW_S)

    async def may_replace_here(self, old: Link, record: StationRecord, address: str) -> bool:
        """True: the old link is gone or has been ended."""
        if old.is_over or old.socket.is_closed:
            return True
        why = await self._reason(old, record, address)
        metrics.TAKEOVERS.labels(why or "refused").inc()
        if why is None:
            return False
        log.info("gateway.takeover", station=record.station_id, why=why, address=address)
        self._end(old, is_dead=why == "dead")
        return True

    async def may_replace_elsewhere(self, place: Place, record: StationRecord, address: str) -> bool:
        """Ask the gateway that claims the station; it ends its link itself when that is right."""
        if place.gateway == self._gateway_id:
            return True  # An entry of ours without a link: a leftover.
        return not await self._is_alive_elsewhere(place, record, address)

    async def _reason(self, old: Link, record: StationRecord, address: str) -> str | None:
        if old.socket.candidate.address == address:
            return "same_address"
        if not await old.socket.is_alive(self._options.probe_within_s):
            return "dead"
        return "newest" if self._newest_wins(record) else None

    def _newest_wins(self, record: StationRecord) -> bool:
        """By setting; never without a password, and not again and again."""
        if self._options.takeover != "newest" or record.security_profile == 0:
            return False
        now = self._runtime.clock.monotonic()
        if self._forced.is_full(record.station_id, now):
            log.error("gateway.takeover.fight", station=record.station_id)
            return False
        self._forced.add(record.station_id, now)
        return True

    def _end(self, old: Link, *, is_dead: bool) -> None:
        old.end(*REPLACED)
        if is_dead:
            old.socket.drop()

    async def _is_alive_elsewhere(self, place: Place, record: StationRecord, address: str) -> bool:
        key = (record.station_id, place.epoch)
        answer = self._asked.setdefault(key, asyncio.get_running_loop().create_future())
        probe = ClosedLink(
            device_id=record.station_id,
            epoch=place.epoch,
            ask_gateway=place.gateway,
            reply_to=gateway_queue(self._gateway_id),
            remote_address=address,
            newest_wins=self._newest_wins(record),
        )
        try:
            async with asyncio.timeout(self._options.probe_elsewhere_s):
                await self._bus.publish(self._mail(place.gateway, document(probe), f"probe:{key}"))
                return await asyncio.shield(answer)
        except (Unroutable, TimeoutError):
            return False
        except Unavailable as error:
            # The bus is away, so nobody can be asked, and the other gateway cannot be reached by anyone.
            log.warning("gateway.takeover.unasked", station=record.station_id, error=str(error))
            return False
        finally:
            self._asked.pop(key, None)

    # Asked by others, and answered by them.

    def asked(self, probe: ClosedLink) -> None:
        _ = self._runtime.spawn(self._answer(probe), name=f"gateway:probe:{probe.device_id}")

    async def _answer(self, probe: ClosedLink) -> None:
        link = self._find_link(probe.device_id)
        is_alive = link is not None and link.epoch == probe.epoch and not link.is_over
        if link is not None and is_alive:
            is_same = probe.remote_address != "" and link.socket.candidate.address == probe.remote_address
            is_dead = not is_same and not await link.socket.is_alive(self._options.probe_within_s)
            if is_same or is_dead or (probe.newest_wins and link.record.security_profile > 0):
                self._end(link, is_dead=is_dead)
                is_alive = False
        answer = ProbeAnswer(device_id=probe.device_id, epoch=probe.epoch, alive=is_alive)
        message = Message("", probe.reply_to, document(answer), f"probed:{probe.device_id}:{probe.epoch}")
        try:
            await self._bus.publish(message)
        except Unavailable:
            return  # Silence says "dead", which is only right if we are; our link's pings will tell.

    def answered(self, answer: ProbeAnswer) -> None:
        waiting = self._asked.get((answer.device_id, answer.epoch))
        if waiting is not None and not waiting.done():
            waiting.set_result(answer.alive)

    def _mail(self, gateway_id: str, body: bytes, message_id: str) -> Message:
        return Message(
            "", gateway_queue(gateway_id), body, message_id, expires_in_s=self._options.probe_elsewhere_s
        )
