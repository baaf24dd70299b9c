"""Time, randomness and tasks, as one thing to pass down (so that a simulation can own all three)."""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any

import structlog

from stationmaster.kernel.clock import Clock, SystemClock
from stationmaster.kernel.ids import IdSource, SystemIds

log = structlog.get_logger()


@dataclass(slots=True)
class Runtime:
    """Clock, ids and the tasks that were started; nothing else in the code base starts a task."""

    clock: Clock = field(default_factory=SystemClock)
    ids: IdSource = field(default_factory=SystemIds)
    _tasks: set[asyncio.Task[Any]] = field(default_factory=set)

    def spawn(self, work: Coroutine[Any, Any, Any], *, name: str) -> asyncio.Task[Any]:
        """Start a task that is kept alive and whose failure is logged."""
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("task.failed", task=task.get_name(), exc_info=error)

    async def cancel_all(self) -> None:
        """Stop every task that is still running and wait for it."""
        tasks = [task for task in self._tasks if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
