"""The command behind an outcome, with the one state it has from now on."""

from datetime import datetime

from stationmaster.contracts.commands import CommandOutcome
from stationmaster.infra.db.database import UnitOfWork
from stationmaster.stations import commands
from stationmaster.stations.model import Command
from stationmaster.stations.rules.command_outcome import classify


async def finish(uow: UnitOfWork, item: CommandOutcome, *, now: datetime) -> Command | None:
    """Set by whoever comes first; a later outcome finds the first one. None: we never sent such a command."""
    if item.state == "sent":  # The dispatcher has said so; it is no outcome.
        return None
    verdict = classify(item)
    finished = await commands.finish(
        uow,
        command_id=item.command_id,
        state=verdict.state,
        status=verdict.status,
        answer=bytes(item.answer),
        error=verdict.error,
        now=now,
    )
    return finished or await commands.get(uow, item.command_id)
