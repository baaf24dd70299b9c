"""One unit of work around a function that says what it wants; again at once when other work was in the
way.
"""

from collections.abc import Callable, Mapping
from typing import Any

from stationmaster.infra import inject
from stationmaster.infra.db.database import Database
from stationmaster.infra.db.errors import Conflict
from stationmaster.infra.runtime import Runtime

TRIES = 5
PAUSE_S = 0.05


def wants_unit(function: Callable[..., Any]) -> bool:
    """A function that does not name `uow` opens its own units."""
    return inject.names(function, "uow")


async def run(
    function: Callable[..., Any],
    *given: Any,
    database: Database,
    runtime: Runtime,
    offered: Mapping[str, Any],
) -> None:
    """Call it, in a unit of work when it names one. Raises what it raises; Conflict after the last try."""
    for attempt in range(1, TRIES + 1):
        try:
            if not wants_unit(function):
                await inject.call(function, *given, **offered)
                return
            async with database.transaction() as uow:
                await inject.call(function, *given, **offered, uow=uow)
            return
        except Conflict:
            if attempt == TRIES:
                raise
            await pause(runtime, attempt)


async def pause(runtime: Runtime, attempt: int) -> None:
    """Longer each time, and not at the same time as the other one."""
    await runtime.sleep(PAUSE_S * attempt * (0.5 + runtime.ids.random()))
