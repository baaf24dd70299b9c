"""The publishing side of the bus port, told beforehand what to answer: trouble that no real broker gives on
demand."""

import asyncio
from collections import defaultdict
from collections.abc import Callable
from typing import Any, cast

from stationmaster.infra.bus.port import Bus, Message


class RecordingBus:
    """``trouble[message_id]`` are the errors to raise first, in order."""

    def __init__(self) -> None:
        self.ready = True
        self.published: list[Message] = []
        self.asked: list[str] = []
        self.trouble: dict[str, list[Exception]] = defaultdict(list)
        self.on_publish: Callable[[], None] = lambda: None

    async def publish(self, message: Message) -> None:
        self.asked.append(message.message_id)
        await asyncio.sleep(0)
        if self.trouble[message.message_id]:
            raise self.trouble[message.message_id].pop(0)
        self.published.append(message)
        self.on_publish()

    @property
    def ids(self) -> list[str]:
        return [message.message_id for message in self.published]

    def as_bus(self) -> Bus:
        """It publishes and that is all the relay asks of it."""
        return cast("Bus", cast("Any", self))
