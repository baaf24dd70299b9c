"""The outcome of a command that no session waits for."""

from stationmaster.contracts.commands import CommandOutcome
from stationmaster.infra.db.database import UnitOfWork
from stationmaster.kernel.clock import Clock
from stationmaster.stations import commands
from stationmaster.stations.rules.command_outcome import classify

QUEUES = ("charging.command.response",)


async def consume(item: CommandOutcome, *, uow: UnitOfWork, clock: Clock) -> None:
    """Finish it, once."""
    verdict = classify(item)
    await commands.finish(
        uow,
        command_id=item.command_id,
        state=verdict.state,
        status=verdict.status,
        answer=bytes(item.answer),
        error=verdict.error,
        now=clock.now(),
    )
