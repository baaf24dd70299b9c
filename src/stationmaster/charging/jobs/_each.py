"""Session by session: how does one that fails not hold up the others?"""

from collections.abc import Awaitable, Callable, Iterable

import structlog

from stationmaster.infra.db.again import with_retries
from stationmaster.infra.db.database import Database, UnitOfWork
from stationmaster.infra.db.errors import Conflict
from stationmaster.infra.runtime import Runtime
from stationmaster.kernel.errors import Unavailable

log = structlog.get_logger()


async def session(
    database: Database,
    runtime: Runtime,
    session_ids: Iterable[str],
    do: Callable[[UnitOfWork, str], Awaitable[None]],
) -> None:
    """A unit of work each. Raises Unavailable: then the others would fare no better. Any other failure is
    told, and the session's turn comes again with the next run."""
    for session_id in session_ids:

        async def attempt(uow: UnitOfWork, one: str = session_id) -> None:
            await do(uow, one)

        try:
            await with_retries(database, runtime, attempt)
        except Conflict as error:
            log.warning("session.job_conflict", session_id=session_id, code=error.code)
        except Unavailable:
            raise
        except Exception:
            log.exception("session.job_failed", session_id=session_id)
