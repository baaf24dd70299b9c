"""A CSMS in memory, and a runtime whose seconds are short."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from stationmaster.infra.runtime import Runtime
from stationmaster.kernel.clock import SystemClock
from stationmaster.ocpp.frame import Call, CallError, CallResult, parse
from stationmaster.simulator.charger import Charger
from stationmaster.simulator.spec import Pace, StationSpec
from stationmaster.simulator.wire import CannotConnect, Receiver

SPEED = 50.0
TIME = "2026-01-01T00:00:00.000Z"


class FastClock(SystemClock):
    """Monotonic time runs faster, as the sleeps do."""

    def monotonic(self) -> float:
        return super().monotonic() * SPEED


@dataclass(slots=True)
class FastRuntime(Runtime):
    clock: Any = field(default_factory=FastClock)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / SPEED)


class MemoryCsms:
    """Answers like a CSMS, unless told to be silent, to fail, or to be away."""

    def __init__(self) -> None:
        self.calls: list[Call] = []  # everything that arrived, in order, retries included
        self.answers: dict[str, CallResult | CallError] = {}  # to our commands
        self.is_up = True
        self.silent: set[str] = set()
        self.failing: set[str] = set()
        self.token_status = "Accepted"
        self.boot_status = "Accepted"
        self.transactions = 0
        self.connects = 0
        self._receiver: Receiver | None = None
        self._changed = asyncio.Event()
        self._commands = 0

    # Dial and Wire.

    async def dial(self, receiver: Receiver) -> None:
        if not self.is_up:
            raise CannotConnect("down")
        self._receiver = receiver
        self.connects += 1
        receiver.connected(self)

    def send(self, data: bytes) -> None:
        asyncio.get_running_loop().call_soon(self._hear, data, self._receiver)

    def close(self) -> None:
        self.cut()

    def drop(self) -> None:
        self.cut()

    def cut(self) -> None:
        receiver, self._receiver = self._receiver, None
        if receiver is not None:
            receiver.lost()

    # The CSMS.

    def _hear(self, data: bytes, sender: Receiver | None) -> None:
        if sender is not self._receiver or sender is None:
            return
        frame = parse(data)
        if isinstance(frame, Call):
            self.calls.append(frame)
            if frame.action not in self.silent:
                sender.received(self._answer(frame))
        else:
            self.answers[frame.message_id] = frame
        self._changed.set()

    def _answer(self, call: Call) -> bytes:
        if call.action in self.failing:
            return json.dumps([4, call.message_id, "InternalError", "", {}]).encode()
        answer: dict[str, Any] = {}
        if call.action == "BootNotification":
            answer = {"status": self.boot_status, "interval": 10, "currentTime": TIME}
        elif call.action == "Heartbeat":
            answer = {"currentTime": TIME}
        elif call.action == "Authorize":
            answer = {"idTagInfo": {"status": self.token_status}}
        elif call.action == "StartTransaction":
            self.transactions += 1
            answer = {"transactionId": self.transactions, "idTagInfo": {"status": self.token_status}}
        return json.dumps([3, call.message_id, answer]).encode()

    async def command(self, action: str, payload: dict[str, Any]) -> dict[str, Any] | str:
        """The answer's payload, or the error's code."""
        self._commands += 1
        message_id = f"c{self._commands}"
        assert self._receiver is not None
        self._receiver.received(json.dumps([2, message_id, action, payload]).encode())
        await self.until(lambda: message_id in self.answers)
        answer = self.answers[message_id]
        return answer.code if isinstance(answer, CallError) else json.loads(answer.payload)

    def said(self, action: str) -> list[dict[str, Any]]:
        return [json.loads(call.payload) for call in self.calls if call.action == action]

    def statuses(self, connector_id: int = 1) -> list[str]:
        return [s["status"] for s in self.said("StatusNotification") if s["connectorId"] == connector_id]

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for something to be true; looks again at everything that arrives, and now and then."""
        async with asyncio.timeout(10):
            while not condition():
                self._changed.clear()
                try:
                    await asyncio.wait_for(self._changed.wait(), 0.01)
                except TimeoutError:
                    continue


Life = Callable[[Callable[[MemoryCsms, Charger], Awaitable[None]]], None]
PACE = Pace(meter_interval_s=5, time_scale=10, answer_within_s=20, retry_transaction_s=3, back_off_s=0.5)


@pytest.fixture
def live() -> Callable[..., None]:
    """``live(story, personality="slow")``: run a story with one charger at a CSMS in memory."""

    def run(
        story: Callable[[MemoryCsms, Charger], Awaitable[None]],
        *,
        before: Callable[[MemoryCsms], None] = lambda csms: None,
        **spec: Any,
    ) -> None:
        async def main() -> None:
            csms = MemoryCsms()
            before(csms)
            charger = Charger(
                StationSpec("CP1", **{"connectors": 2, **spec}),
                runtime=FastRuntime(),
                pace=PACE,
                seed=7,
                dial=csms.dial,
            )
            charger.start()
            try:
                await story(csms, charger)
            finally:
                await charger.stop()

        asyncio.run(main())

    return run
