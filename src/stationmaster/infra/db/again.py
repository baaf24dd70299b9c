"""How is a unit of work run again when another one was in the way?"""

import itertools
from collections.abc import Awaitable, Callable
from typing import TypeVar

from stationmaster.infra.db.database import Database, UnitOfWork
from stationmaster.infra.db.errors import Conflict
from stationmaster.infra.runtime import Runtime

T = TypeVar("T")

ATTEMPTS = 3
PAUSE_S = 0.05


async def with_retries(
    database: Database,
    runtime: Runtime,
    do: Callable[[UnitOfWork], Awaitable[T]],
    *,
    attempts: int = ATTEMPTS,
) -> T:
    """``do`` in a unit of work of its own, run as a whole again after a `Conflict`, with jitter. It must
    have no effect outside of the unit."""
    for attempt in itertools.count(1):
        try:
            async with database.transaction() as uow:
                result = await do(uow)
        except Conflict:
            if attempt == attempts:
                raise
            await runtime.sleep(PAUSE_S * attempt * (0.5 + runtime.ids.random()))
        else:
            return result
    raise AssertionError("unreachable")
