"""Which mail comes to this gateway, and may this command still be sent to this link?

A command is claimed in a journal on disk before it can reach a socket, so that no redelivery and no restart
ever sends it twice. What the gateway cannot do any more it says at once: other link, past deadline.
"""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Final, Protocol

import msgspec
import structlog

from stationmaster.contracts.commands import (
    ClosedLink,
    CommandOutcome,
    DecidedAnswer,
    OneTimeToken,
    ProbeAnswer,
    StationCommand,
    decode_gateway_mail,
    outcome_queue,
)
from stationmaster.gateway import metrics
from stationmaster.gateway.id_tokens import IdTokens
from stationmaster.gateway.link import Link
from stationmaster.gateway.offline import asked_for
from stationmaster.gateway.publishing import Publishing
from stationmaster.gateway.stamping import document, wire_time
from stationmaster.infra.bus.port import Delivery, Message
from stationmaster.infra.records import RecordFile
from stationmaster.infra.runtime import Runtime
from stationmaster.kernel.clock import parse_time

log = structlog.get_logger()

SPACE: Final = "command"
JOURNAL_KEPT: Final = timedelta(days=7)
"""Far longer than any command's deadline: a redelivery this late is past it anyway."""

MAIL_BATCH: Final = 64


class Probes(Protocol):
    """Takeover's half of the mail."""

    def asked(self, probe: ClosedLink) -> None: ...

    def answered(self, answer: ProbeAnswer) -> None: ...


class CommandOutcomes:
    """Tells the response queues what became of a command, through the ladder; once per command."""

    def __init__(self, publishing: Publishing, runtime: Runtime):
        self._publishing, self._runtime = publishing, runtime

    def tell(self, command: StationCommand, state: str, *, answer: bytes = b"null", error: str = "") -> None:
        metrics.COMMANDS.labels(state).inc()
        outcome = CommandOutcome(
            command_id=command.command_id,
            device_id=command.device_id,
            command=command.command,
            state=state,
            answer=msgspec.Raw(answer),
            error=error,
            session_id=command.session_id,
            epoch=command.epoch,
            timestamp=wire_time(self._runtime.clock.now()),
        )
        queue, message_id = outcome_queue(command.command), f"{command.command_id}:outcome"
        message = Message("", queue, document(outcome), message_id)
        self._publishing.send(command.device_id, message, lambda is_durable: _told(command, is_durable))


def _told(command: StationCommand, is_durable: bool) -> None:
    """Lost outcomes are not the end: the command's deadline ends it (stations/jobs)."""
    if not is_durable:
        log.error("gateway.outcome.lost", command=command.command_id)


class Mailbox:
    """The handler of `charging.gateway.<id>`."""

    def __init__(
        self,
        journal: RecordFile,
        runtime: Runtime,
        *,
        find_link: Callable[[str], Link | None],
        outcomes: CommandOutcomes,
        id_tokens: IdTokens,
        probes: Probes,
    ):
        self._journal, self._runtime, self._find_link = journal, runtime, find_link
        self._outcomes, self._id_tokens, self._probes = outcomes, id_tokens, probes

    async def take(self, deliveries: Sequence[Delivery]) -> None:
        """Answers first: a station waits for them. Commands after their claim is on disk."""
        commands: list[StationCommand] = []
        for delivery in deliveries:
            try:
                mails = [decode_gateway_mail(body) for body in delivery.items]
            except msgspec.MsgspecError as error:
                delivery.dead(f"no mail for a gateway: {error}")
                continue
            for mail in mails:
                if isinstance(mail, StationCommand):
                    commands.append(mail)
                else:
                    self._take_other(mail)
        if commands:
            await self._take_commands(commands)

    def _take_other(self, mail: DecidedAnswer | OneTimeToken | ClosedLink | ProbeAnswer) -> None:
        match mail:
            case DecidedAnswer():
                self._id_tokens.remember(mail.device_id, mail.remember_id_token)
                link = self._find_link(mail.device_id)
                if link is not None and link.epoch == mail.epoch:
                    link.decisions.decided(mail)
            case OneTimeToken():
                until = parse_time(mail.expires_at)
                if until is not None:
                    self._id_tokens.tell_one_time(mail.device_id, mail.id_token, mail.connector_id, until)
            case ClosedLink():
                self._probes.asked(mail)
            case ProbeAnswer():
                self._probes.answered(mail)

    async def _take_commands(self, commands: list[StationCommand]) -> None:
        now = self._runtime.clock.now()
        by_id = {command.command_id: command for command in commands}
        fresh = await self._journal.claim(SPACE, by_id, at=now.timestamp())
        for command_id, command in by_id.items():
            if command_id in fresh:
                self._do(command)
            else:
                metrics.COMMANDS.labels("seen_before").inc()

    def _do(self, command: StationCommand) -> None:
        deadline_at = parse_time(command.deadline_at)
        if deadline_at is None or deadline_at <= self._runtime.clock.now():
            self._outcomes.tell(command, "expired", error="past its deadline at the gateway")
            return
        link = self._find_link(command.device_id)
        if link is None or link.is_over or link.epoch != command.epoch:
            self._outcomes.tell(command, "offline", error="the station is not on this link any more")
            return
        if command.command == "RemoteStartTransaction":
            id_token, connector_id = asked_for(bytes(command.payload))
            self._id_tokens.tell_one_time(command.device_id, id_token, connector_id, deadline_at)
        link.calls.send(command)

    async def forget_old(self) -> None:
        """The journal need not remember for ever."""
        before = self._runtime.clock.now() - JOURNAL_KEPT
        await self._journal.forget(SPACE, before=before.timestamp())
