"""How do documents reach the broker? Packed, persistent, mandatory, a few messages outstanding, each
confirmed.

What was outstanding when the connection broke is sent again on the next one, as long as somebody waits for
it: every message has a stable id and every consumer is idempotent.
"""

import asyncio
from collections import deque
from typing import Final

import aiormq
import structlog

from stationmaster.infra.bus.amqp_link import Link, PublishChannel
from stationmaster.infra.bus.amqp_wire import publish_frames
from stationmaster.infra.bus.packing import Pack, Packer
from stationmaster.infra.bus.port import Message, PublishUnknown, Unroutable
from stationmaster.infra.runtime import Runtime

log = structlog.get_logger()

OUTSTANDING_MAX: Final = 3
"""Enough that the broker never waits for us. More makes packs smaller: with 8, fifty busy chargers cost a third
more of everything that is paid per message, and waited longer."""
_TICK_S: Final = 0.1
_CHANNEL: Final = 1


class Publisher:
    """One channel with confirms on a connection of its own (alarms block publishing connections only)."""

    def __init__(self, url: str, runtime: Runtime, *, confirm_within_s: float) -> None:
        self._runtime = runtime
        self._packer = Packer(runtime.clock.monotonic, confirm_within_s)
        self._link = Link(url, runtime, name="publish", up=self._up, down=self._down)
        self._channel: PublishChannel | None = None
        self._outstanding: dict[int, Pack] = {}
        self._returned: set[int] = set()
        self._again: deque[Pack] = deque()
        self._tag = 0
        self._is_scheduled = False
        self._is_running = False

    @property
    def ready(self) -> bool:
        return self._channel is not None and self._link.is_up and not self._link.is_blocked

    async def start(self, *, within_s: float) -> None:
        self._is_running = True
        self._ticking = self._runtime.spawn(self._tick(), name="amqp.publish.tick")
        await self._link.start(within_s=within_s)

    async def stop(self) -> None:
        """Wait for the confirms that are due (they or their time-outs come), then close."""
        while self._packer.documents or any(map(_is_awaited, (*self._outstanding.values(), *self._again))):
            await self._runtime.sleep(_TICK_S / 10)
        self._is_running = False
        self._ticking.cancel()
        await self._link.stop()
        self._packer.fail_all()

    def submit(self, message: Message) -> asyncio.Future[None]:
        """Raises what the packer raises."""
        if not self._is_running:
            raise PublishUnknown("bus_closed", "the bus is not running")
        done = self._packer.add(message)
        self._wake()
        return done

    def send_again(self, pack: Pack) -> None:
        """A redelivery as it came, on its way up the ladder."""
        self._again.append(pack)
        self._wake()

    def _wake(self) -> None:
        """The next turn of the loop, so that everything of this turn is packed."""
        if not self._is_scheduled:
            self._is_scheduled = True
            asyncio.get_running_loop().call_soon(self._flush)

    def _flush(self) -> None:
        self._is_scheduled = False
        while self._channel is not None and len(self._outstanding) < OUTSTANDING_MAX:
            pack = self._again.popleft() if self._again else self._packer.take()
            if pack is None:
                return
            self._send(self._channel, pack)

    def _send(self, channel: PublishChannel, pack: Pack) -> None:
        tag = self._tag + 1
        frames = publish_frames(
            pack, channel=_CHANNEL, tag=tag, now=self._runtime.clock.now(), body_max=channel.max_content_size
        )
        self._tag = tag
        self._outstanding[tag] = pack
        channel.write(frames)

    def _confirmed(self, tag: int, is_multiple: bool, is_ack: bool) -> None:
        tags = [one for one in self._outstanding if one <= tag] if is_multiple else [tag]
        for one in tags:
            if (pack := self._outstanding.pop(one, None)) is None:
                continue
            if one in self._returned:
                self._returned.discard(one)
                pack.fail(lambda: Unroutable("unroutable", "no queue is bound for this key"))
            elif is_ack:
                pack.confirm()
            else:
                pack.fail(lambda: PublishUnknown("publish_refused", "the broker could not take it"))
        self._wake()

    def _back(self, correlation_id: str) -> None:
        if correlation_id.isdigit():
            self._returned.add(int(correlation_id))

    async def _up(self, connection: aiormq.Connection) -> None:
        channel = PublishChannel(connection, _CHANNEL)
        channel.confirmed, channel.returned = self._confirmed, self._back
        connection.channels[_CHANNEL] = channel
        await channel.open()
        self._tag = 0
        self._channel = channel
        channel.closing.add_done_callback(lambda future: self._channel_closed(connection, channel, future))
        self._wake()

    def _channel_closed(
        self, connection: aiormq.Connection, channel: PublishChannel, closing: "asyncio.Future[None]"
    ) -> None:
        """The broker closes it for an exchange that does not exist; then that one publish is surely
        unroutable."""
        error = None if closing.cancelled() else closing.exception()
        if self._channel is not channel:
            return
        if isinstance(error, aiormq.exceptions.ChannelNotFoundEntity):
            for pack in self._outstanding.values():
                if pack.message.exchange and f"'{pack.message.exchange}'" in str(error):
                    pack.fail(lambda: Unroutable("unroutable", "there is no such exchange"))
        self._down()
        if isinstance(error, aiormq.exceptions.AMQPChannelError):
            log.warning("broker.channel_closed", reason=str(error))
            closer = connection.close()
            self._closing = self._runtime.spawn(closer, name="amqp.publish.close")

    def _down(self) -> None:
        self._channel = None
        packs = [pack for pack in self._outstanding.values() if _is_awaited(pack)]
        self._outstanding.clear()
        self._returned.clear()
        self._again.extendleft(reversed(packs))

    async def _tick(self) -> None:
        while self._is_running:
            await self._runtime.sleep(_TICK_S)
            self._packer.expire()
            if self._channel is None and self._again:
                self._again = deque(filter(_is_awaited, self._again))


def _is_awaited(pack: Pack) -> bool:
    return any(not one.done.done() for one in pack.waiting)
