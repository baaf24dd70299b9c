"""Who speaks next on a station's connection, and what becomes of what it said?

``Talk`` asks (one CALL at a time), delivers the queue of transaction messages and lets the station answer
commands. Who may speak when is decided by ``ocpp.conversation``, the same brain as the gateway's. It outlives
connections: what was not answered on one waits for the next, if it is about a transaction.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import msgspec

from stationmaster.infra.runtime import Runtime
from stationmaster.ocpp.conversation import (
    Answered,
    Conversation,
    Deliver,
    DeliverBad,
    Dropped,
    Effect,
    OutgoingCall,
    Send,
    TimedOut,
)
from stationmaster.ocpp.errors import BadFrame
from stationmaster.ocpp.frame import Call, parse
from stationmaster.simulator.journal import AnsweredCall, Journal, ReceivedCommand, SentCall
from stationmaster.simulator.messages import Payload
from stationmaster.simulator.spec import Pace
from stationmaster.simulator.transaction_queue import TransactionMessage, TransactionQueue
from stationmaster.simulator.wire import Wire

ASKS_WAITING_MAX = 100


class NoAnswer(Exception):
    """No answer, or a CALLERROR: ``code`` is `offline`, `timed_out` or the error's."""

    def __init__(self, code: str):
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Reaction:
    """What the station says to a command, and what it does once that is said."""

    payload: Payload
    error_code: str = ""
    then: Callable[[], None] | None = None


class Behaviour(Protocol):
    """The station behind the talk."""

    def react(self, call: Call) -> Reaction:
        """The CSMS asks something."""
        ...

    def is_safe(self, message: TransactionMessage, answer: bytes) -> None:
        """A transaction message was answered: the CSMS has it."""
        ...


@dataclass(slots=True)
class Stats:
    """Counted since the start."""

    frames_in: int = 0
    frames_out: int = 0
    connects: int = 0
    cannot_connect: int = 0
    lost: int = 0
    errors: int = 0  # CALLERRORs and unanswered CALLs
    last_error: str = ""


@dataclass(slots=True)
class _Asked:
    """A CALL of ours. ``future``: somebody waits. ``message``: it is the queue's head."""

    message_id: str
    action: str
    payload: bytes
    future: asyncio.Future[bytes] | None = None
    message: TransactionMessage | None = None
    sent_at: datetime | None = None


class Talk:
    """See the module's docstring."""

    def __init__(
        self,
        station_id: str,
        behaviour: Behaviour,
        *,
        runtime: Runtime,
        journal: Journal,
        pace: Pace,
        answers_after_s: float = 0.0,
    ):
        self.stats = Stats()
        self.queue = TransactionQueue(retry_s=pace.retry_transaction_s)
        self.is_registered = False
        self._station_id, self._behaviour = station_id, behaviour
        self._runtime, self._journal, self._pace = runtime, journal, pace
        self._answers_after_s = answers_after_s
        self._wire: Wire | None = None
        self._conversation = Conversation(answer_within_s=pace.answer_within_s)
        self._asks: deque[_Asked] = deque()
        self._asked: _Asked | None = None
        self._late: set[asyncio.Task[None]] = set()

    @property
    def is_connected(self) -> bool:
        return self._wire is not None

    @property
    def is_idle(self) -> bool:
        """Nothing is unanswered, nothing waits."""
        return self._asked is None and not self._asks and not len(self.queue)

    def opened(self, wire: Wire) -> None:
        """A new connection."""
        self._wire = wire
        self._conversation = Conversation(answer_within_s=self._pace.answer_within_s)
        self.stats.connects += 1
        self.queue.reconnected()

    def closed(self) -> None:
        """The connection is gone."""
        self._wire = None
        self.stats.lost += 1
        for late in self._late:
            late.cancel()
        self._perform(self._conversation.closed())
        while self._asks:
            self._fail(self._asks.popleft(), "offline")

    def tick(self) -> None:
        """Time passed."""
        self._perform(self._conversation.tick(self._runtime.clock.monotonic()))
        self.pump()

    # What we say.

    async def ask(self, action: str, payload: Payload) -> Payload:
        """Ask and wait for the answer; raises NoAnswer. Until the boot is accepted, only BootNotification may
        be asked (OCPP 1.6, 4.2)."""
        future: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        if not self._enqueue(action, payload, future):
            raise NoAnswer("offline")
        answer: Payload = msgspec.json.decode(await future)
        return answer

    def tell(self, action: str, payload: Payload) -> None:
        """Ask without waiting; lost when offline, as notifications are."""
        self._enqueue(action, payload, None)

    def _enqueue(self, action: str, payload: Payload, future: asyncio.Future[bytes] | None) -> bool:
        may_speak = self.is_registered or action == "BootNotification"
        if not self.is_connected or not may_speak or len(self._asks) >= ASKS_WAITING_MAX:
            return False
        self._asks.append(_Asked(self.new_message_id(), action, msgspec.json.encode(payload), future))
        self.pump()
        return True

    def new_message_id(self) -> str:
        return self._runtime.ids.token(20)

    def pump(self) -> None:
        """Send what is next, if anything may be sent: ordinary messages first, then the transaction queue."""
        if self._wire is None or self._conversation.outstanding is not None:
            return
        now = self._runtime.clock.monotonic()
        if self._asks:
            self._asked = self._asks.popleft()
        elif self.is_registered and (message := self.queue.due(now)) is not None:
            self._asked = _Asked(message.message_id, message.action, message.payload(), message=message)
        else:
            return
        self._asked.sent_at = self._runtime.clock.now()
        self._journal.said(
            SentCall(
                station_id=self._station_id,
                message_id=self._asked.message_id,
                action=self._asked.action,
                payload=msgspec.Raw(self._asked.payload),
                sent_at=self._asked.sent_at,
            )
        )
        call = OutgoingCall(self._asked.message_id, self._asked.action, self._asked.payload)
        self._perform(self._conversation.call(call, now))

    # What we hear.

    def received(self, data: bytes) -> None:
        """The wire brings a message."""
        self.stats.frames_in += 1
        now = self._runtime.clock.monotonic()
        try:
            effects = self._conversation.received(parse(data), now)
        except BadFrame as bad:
            effects = self._conversation.received(bad, now)
        self._perform(effects)
        self.pump()

    def _perform(self, effects: list[Effect]) -> None:
        for effect in effects:
            match effect:
                case Send(data):
                    self._write(data)
                case Deliver(call):
                    self._deliver(call)
                case DeliverBad(error, message_id):
                    self._perform(self._conversation.refuse(message_id, error.code, error.reason))
                case Answered(_, payload, error):
                    self._answered(payload, error.code if error is not None else "")
                case TimedOut():
                    self._not_answered("timed_out")
                case Dropped(_, reason):
                    self._not_answered("offline" if reason == "closed" else reason)
                case _:
                    pass  # Ignored: the conversation has counted it.

    def _write(self, data: bytes) -> None:
        if self._wire is not None:
            self.stats.frames_out += 1
            self._wire.send(data)

    def _answered(self, payload: bytes, error_code: str) -> None:
        asked, self._asked = self._asked, None
        assert asked is not None
        assert asked.sent_at is not None
        self._journal.answered(
            AnsweredCall(
                station_id=self._station_id,
                message_id=asked.message_id,
                action=asked.action,
                payload=msgspec.Raw(asked.payload),
                answer=msgspec.Raw(payload or b"null"),
                error_code=error_code,
                sent_at=asked.sent_at,
                answered_at=self._runtime.clock.now(),
            )
        )
        if error_code:
            self.stats.last_error = f"{asked.action}: {error_code}"
            self._fail(asked, error_code)
        elif asked.message is not None:
            self.queue.answered(asked.message)
            self._behaviour.is_safe(asked.message, payload)
        elif asked.future is not None and not asked.future.done():
            asked.future.set_result(payload)

    def _not_answered(self, code: str) -> None:
        asked, self._asked = self._asked, None
        if asked is not None:
            self._fail(asked, code)

    def _fail(self, asked: _Asked, code: str) -> None:
        if code != "offline":
            self.stats.errors += 1
        if asked.message is not None and code != "offline":
            self.queue.failed(asked.message, self._runtime.clock.monotonic())
        if asked.future is not None and not asked.future.done():
            asked.future.set_exception(NoAnswer(code))

    # Commands.

    def _deliver(self, call: Call) -> None:
        if self._answers_after_s > 0:
            late = self._runtime.spawn(self._answer_late(call), name=f"{self._station_id}:late")
            self._late.add(late)
            late.add_done_callback(self._late.discard)
        else:
            self._answer(call, self._runtime.clock.now())

    async def _answer_late(self, call: Call) -> None:
        received_at = self._runtime.clock.now()
        await self._runtime.sleep(self._answers_after_s)
        self._answer(call, received_at)

    def _answer(self, call: Call, received_at: datetime) -> None:
        reaction = self._behaviour.react(call)
        answer = msgspec.json.encode(reaction.payload)
        if reaction.error_code:
            effects = self._conversation.refuse(call.message_id, reaction.error_code)
        else:
            effects = self._conversation.answer(call.message_id, answer)
        self._journal.commanded(
            ReceivedCommand(
                station_id=self._station_id,
                message_id=call.message_id,
                action=call.action,
                payload=msgspec.Raw(call.payload),
                answer=msgspec.Raw(answer),
                error_code=reaction.error_code,
                received_at=received_at,
                answered_at=self._runtime.clock.now(),
            )
        )
        self._perform(effects)
        if reaction.then is not None:
            reaction.then()
