"""One connection to the broker that comes back by itself, and the two kinds of channel we use on it.

Not the client's "robust" connection: that re-declares what it remembers (and so fights an operator's policy),
and publishes hang in it while it reconnects.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final

import aiormq
import structlog
from aiormq.abc import ChannelFrame, DeliveredMessage
from aiormq.exceptions import AMQPError
from pamqp import commands
from pamqp.header import ContentHeader
from yarl import URL

from stationmaster.infra.runtime import Runtime

log = structlog.get_logger()

CONNECT_WITHIN_S: Final = 5.0
HEARTBEAT_S: Final = 10
TROUBLE: Final = (AMQPError, OSError, TimeoutError, RuntimeError)
"""What the client raises when the broker is away, closing or refusing (RuntimeError: the connection just
closed)."""

_PAUSE_S: Final = 0.1
_PAUSE_MAX_S: Final = 5.0

# It reports every lost connection with a traceback; we report it in one line.
logging.getLogger("aiormq").setLevel(logging.CRITICAL)


class Connection(aiormq.Connection):
    """Its write queue is bounded for callers that wait; ours do not, and are bounded themselves."""

    FRAME_BUFFER_SIZE = 10_000


class Link:
    """``up`` prepares each new connection before anybody gets it; ``down`` hears that it is gone."""

    def __init__(
        self,
        url: str,
        runtime: Runtime,
        *,
        name: str,
        up: Callable[[aiormq.Connection], Awaitable[None]],
        down: Callable[[], None],
    ) -> None:
        self._url, self._runtime, self._name = with_heartbeat(url, name), runtime, name
        self._up, self._down = up, down
        self._connection: aiormq.Connection | None = None
        self._is_up = asyncio.Event()
        self._is_ending = False
        self._task: asyncio.Task[None] | None = None

    async def start(self, *, within_s: float) -> None:
        """Returns when connected, or after that time: a broker that is away now is expected back."""
        self._task = self._runtime.spawn(self._run(), name=f"amqp.{self._name}")
        try:
            async with asyncio.timeout(within_s):
                await self._is_up.wait()
        except TimeoutError:
            log.warning("broker.away", link=self._name)

    async def stop(self) -> None:
        self._is_ending = True
        if self._connection is not None:
            await _close(self._connection)
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    @property
    def is_up(self) -> bool:
        return self._connection is not None and not self._connection.is_closed

    @property
    def is_blocked(self) -> bool:
        """Has the broker said that it takes no more (memory or disk alarm)?"""
        if self._connection is None:
            return False
        # The client's only public sign is that ``ready()`` does not return: look at its first step.
        step = self._connection.ready()
        try:
            step.send(None)
        except StopIteration:
            return False
        except RuntimeError:
            return True  # asked from outside the loop, and it would have had to wait
        step.close()
        return True

    async def connection(self) -> aiormq.Connection:
        """The live one, as soon as there is one."""
        while True:
            await self._is_up.wait()
            if self._connection is not None and not self._connection.is_closed:
                return self._connection
            await self._runtime.sleep(_PAUSE_S)

    async def _run(self) -> None:
        pause_s = _PAUSE_S
        while not self._is_ending:
            connection = Connection(self._url)
            try:
                async with asyncio.timeout(CONNECT_WITHIN_S):
                    await connection.connect()
                    await self._up(connection)
            except TROUBLE as error:
                if pause_s in {_PAUSE_S, _PAUSE_MAX_S}:
                    log.warning(
                        "broker.unreachable", link=self._name, reason=f"{type(error).__name__}: {error}"
                    )
                await _close(connection)
                await self._runtime.sleep(pause_s * (0.5 + self._runtime.ids.random()))
                pause_s = min(pause_s * 2, _PAUSE_MAX_S)
                continue
            pause_s = _PAUSE_S
            await self._live(connection)

    async def _live(self, connection: aiormq.Connection) -> None:
        self._connection = connection
        self._is_up.set()
        log.info("broker.connected", link=self._name)
        await asyncio.wait([connection.closing])
        self._is_up.clear()
        self._connection = None
        self._down()
        log.log(logging.INFO if self._is_ending else logging.WARNING, "broker.disconnected", link=self._name)


async def _close(connection: aiormq.Connection) -> None:
    try:
        async with asyncio.timeout(2):
            await connection.close()
    except TROUBLE:
        pass  # it is gone, which is what we want


def with_heartbeat(url: str, name: str) -> URL:
    """A dead peer is noticed in seconds; an operator's own setting in the URL wins."""
    parsed = URL(url)
    return parsed.update_query(
        {"heartbeat": str(HEARTBEAT_S), "name": f"stationmaster {name}", **parsed.query}
    )


class PublishChannel(aiormq.Channel):
    """Confirms and returns as plain calls, frames written as they are: no task, lock and future per
    message."""

    confirmed: Callable[[int, bool, bool], None]
    returned: Callable[[str], None]

    def write(self, frames: bytes) -> None:
        self.write_queue.put_nowait(ChannelFrame(payload=frames, should_close=False))

    async def _on_confirm_frame(self, frame: commands.Basic.Ack | commands.Basic.Nack) -> None:  # type: ignore[override]
        self.confirmed(frame.delivery_tag or 0, bool(frame.multiple), isinstance(frame, commands.Basic.Ack))

    async def _on_return_frame(self, frame: commands.Basic.Return) -> None:
        message = await _content(self, frame)
        self.returned(message.header.properties.correlation_id or "")


class ConsumeChannel(aiormq.Channel):
    """Deliveries as plain calls."""

    delivered: Callable[[DeliveredMessage], None]

    def write(self, frames: bytes) -> None:
        self.write_queue.put_nowait(ChannelFrame(payload=frames, should_close=False))

    async def _on_deliver_frame(self, frame: commands.Basic.Deliver) -> None:
        self.delivered(await _content(self, frame))


async def _content(
    channel: aiormq.Channel, frame: commands.Basic.Deliver | commands.Basic.Return
) -> DeliveredMessage:
    header = await channel._get_frame()  # noqa: SLF001 - as its subclasses may
    if not isinstance(header, ContentHeader):
        raise aiormq.exceptions.InvalidFrameError(header)
    return await channel._read_content(frame, header)  # noqa: SLF001 - the same
