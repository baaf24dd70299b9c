"""What became of a remote stop (mission R32, R97). The end itself is the station's StopTransaction."""

import msgspec

from stationmaster.charging import stops
from stationmaster.charging.consumers._outcome import finish
from stationmaster.contracts.commands import CommandOutcome
from stationmaster.infra.db.database import UnitOfWork
from stationmaster.kernel.clock import Clock

QUEUES = ("charging.remote.stop.response",)


async def consume(item: CommandOutcome, *, uow: UnitOfWork, clock: Clock) -> None:
    now = clock.now()
    command = await finish(uow, item, now=now)
    if command is None or command.session_id is None:
        return
    heard = msgspec.structs.replace(item, state=command.state, status=command.status, error=command.error)
    await stops.answered(uow, session_id=command.session_id, outcome=heard, now=now)
