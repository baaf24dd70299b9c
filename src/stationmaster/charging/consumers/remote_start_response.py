"""What became of a remote start: the station's answer, or why there is none (mission R30, R97)."""

import msgspec

from stationmaster.charging import starts
from stationmaster.charging.consumers._outcome import finish
from stationmaster.charging.model import DEFAULT_POLICY, ChargingPolicy
from stationmaster.contracts.commands import CommandOutcome
from stationmaster.infra.db.database import UnitOfWork
from stationmaster.kernel.clock import Clock
from stationmaster.kernel.ids import IdSource

QUEUES = ("charging.remote.response",)


async def consume(
    item: CommandOutcome,
    *,
    uow: UnitOfWork,
    clock: Clock,
    ids: IdSource,
    policy: ChargingPolicy = DEFAULT_POLICY,
) -> None:
    """A command has one outcome: whatever came first is what the session hears, however often it hears it."""
    now = clock.now()
    command = await finish(uow, item, now=now)
    if command is None or command.session_id is None:
        return
    heard = msgspec.structs.replace(item, state=command.state, status=command.status, error=command.error)
    await starts.answered(uow, session_id=command.session_id, outcome=heard, now=now, ids=ids, policy=policy)
