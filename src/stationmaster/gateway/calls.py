"""How does a command of ours reach a station on its link, and what became of it?

It is on record (kind `command`) before it is written; the conversation sends it when no other CALL of ours is
outstanding; it ends exactly once: answered, failed, timed out, expired or offline.
"""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from stationmaster.contracts import envelope as contract
from stationmaster.contracts.commands import StationCommand
from stationmaster.kernel.clock import parse_time
from stationmaster.ocpp.conversation import Answered, Conversation, Dropped, OutgoingCall, TimedOut
from stationmaster.ocpp.frame import encode_call

if TYPE_CHECKING:
    from stationmaster.gateway.link import Link


_DROPPED = {"expired": "expired", "closed": "offline", "queue_full": "failed", "duplicate": "failed"}


class Calls:
    """Commands of one link that have no outcome yet."""

    __slots__ = ("_link", "_open", "_seq", "_talk", "_timer")

    def __init__(self, link: "Link", talk: Conversation):
        self._link, self._talk = link, talk
        self._open: dict[str, StationCommand] = {}
        self._seq = 0
        self._timer: asyncio.TimerHandle | None = None

    def action_of(self, call_id: str) -> str:
        """Empty when the CALL is not ours, or ended before."""
        command = self._open.get(call_id)
        return "" if command is None else command.command

    def send(self, command: StationCommand) -> None:
        """Put it on record, then say it."""
        self._seq += 1
        self._open[command.command_id] = command
        frame = encode_call(command.command_id, command.command, bytes(command.payload))
        self._link.frames.log_only(
            contract.COMMAND, self._seq, command.command, command.command_id, command.payload, frame,
            self._when_recorded(command),
        )  # fmt: skip

    def _when_recorded(self, command: StationCommand) -> Callable[[bool], None]:
        def recorded(is_durable: bool) -> None:
            if not is_durable:
                self._end(command.command_id, "failed", error="the command could not be put on record")
            elif self._link.is_over:
                self._end(command.command_id, "offline", error="the link closed before the command was sent")
            else:
                self._call(command)

        return recorded

    def _call(self, command: StationCommand) -> None:
        clock = self._link.kit.clock
        deadline_at, monotonic = parse_time(command.deadline_at), clock.monotonic()
        left_s = float("inf") if deadline_at is None else (deadline_at - clock.now()).total_seconds()
        call = OutgoingCall(command.command_id, command.command, bytes(command.payload), monotonic + left_s)
        self._link.carry_out(self._talk.call(call, monotonic))
        self.arm()

    def ended(self, effect: Answered | TimedOut | Dropped) -> None:
        match effect:
            case Answered(call_id=call_id, error=None, payload=payload):
                self._end(call_id, "answered", answer=payload)
            case Answered(call_id=call_id, error=error):
                assert error is not None
                self._end(call_id, "failed", error=f"{error.code}: {error.description}"[:500])
            case TimedOut(call_id=call_id):
                self._end(call_id, "timed_out", error="the station did not answer")
            case Dropped(call_id=call_id, was_sent=True):
                self._end(call_id, "timed_out", error="the link closed before the station answered")
            case Dropped(call_id=call_id, reason=reason):
                self._end(call_id, _DROPPED.get(reason, "failed"), error=reason)

    def _end(self, call_id: str, state: str, *, answer: bytes = b"null", error: str = "") -> None:
        command = self._open.pop(call_id, None)
        if command is not None:
            self._link.kit.outcomes.tell(command, state, answer=answer, error=error)

    # Time-outs.

    def arm(self) -> None:
        """One timer, for whatever is due first."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        due = self._talk.next_tick_at
        if due is not None and not self._link.is_over:
            wait_s = max(0.0, due - self._link.kit.clock.monotonic())
            self._timer = asyncio.get_running_loop().call_later(wait_s + 0.001, self._tick)

    def _tick(self) -> None:
        self._timer = None
        self._link.carry_out(self._talk.tick(self._link.kit.clock.monotonic()))
        self.arm()

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
