"""One unit of work around a function that says what it wants; again at once when other work was in the
way.
"""

from collections.abc import Callable, Mapping
from typing import Any

from stationmaster.infra import inject
from stationmaster.infra.db import again
from stationmaster.infra.db.database import Database
from stationmaster.infra.runtime import Runtime

TRIES = 5


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
    if not wants_unit(function):
        await inject.call(function, *given, **offered)
        return
    await again.with_retries(
        database, runtime, lambda uow: inject.call(function, *given, **offered, uow=uow), attempts=TRIES
    )


async def pause(runtime: Runtime, attempt: int) -> None:
    """Longer each time, and not at the same time as the other one."""
    await runtime.sleep(again.PAUSE_S * attempt * (0.5 + runtime.ids.random()))
