"""The processes that do the work behind gateway and API."""

import asyncio
from typing import Any

import structlog

from stationmaster.actions.dispatch import Registry
from stationmaster.compose.adapters import Parts
from stationmaster.compose.policy import policy_of
from stationmaster.infra.db.outbox import OutboxRelay
from stationmaster.stations import registry as stations
from stationmaster.worker import consumers, schedule
from stationmaster.worker.frames import FrameWorker

log = structlog.get_logger()


def ports_of(parts: Parts) -> dict[str, Any]:
    """What consumers, jobs and handlers may ask for by name, beside the plumbing."""
    return {
        "policy": policy_of(parts),
        "log_kept_days": parts.settings.log_kept_days,
        "organisations_of": stations.organisations_of,
    }


class WorkerRole:
    """OCPP frames, the log, commands and their answers, and the outbox relay."""

    name = "ocpp-worker"
    needs_database = True

    async def start(self, parts: Parts) -> None:
        assert parts.database is not None
        shared: dict[str, Any] = {
            "database": parts.database,
            "bus": parts.bus,
            "runtime": parts.runtime,
            "names": parts.settings.names,
        }
        self._frames = FrameWorker(**shared, registry=Registry(), ports=ports_of(parts))
        self._consumers = consumers.ConsumerRunner(**shared, cache=parts.cache, ports=ports_of(parts))
        ours = [c for c in consumers.discovered(parts.settings.names) if not c.name.startswith("analytics.")]
        self._relay = parts.runtime.spawn(
            OutboxRelay(parts.database, parts.bus, parts.runtime).run(), name="outbox-relay"
        )
        await self._consumers.start(ours)
        await self._frames.start()
        log.info("worker.consuming", consumers=[c.name for c in ours])

    async def stop(self) -> None:
        await self._frames.stop()
        await self._consumers.stop()
        self._relay.cancel()
        await asyncio.gather(self._relay, return_exceptions=True)


class AnalyticsRole:
    name = "analytics-worker"
    needs_database = True

    async def start(self, parts: Parts) -> None:
        assert parts.database is not None
        self._consumers = consumers.ConsumerRunner(
            database=parts.database,
            bus=parts.bus,
            cache=parts.cache,
            runtime=parts.runtime,
            names=parts.settings.names,
            ports=ports_of(parts),
        )
        await self._consumers.start(
            [c for c in consumers.discovered(parts.settings.names) if c.name.startswith("analytics.")]
        )

    async def stop(self) -> None:
        await self._consumers.stop()


class SchedulerRole:
    """Jobs, each done by one leader whatever the number of schedulers; a relay too, should the workers be away."""

    name = "scheduler"
    needs_database = True

    async def start(self, parts: Parts) -> None:
        assert parts.database is not None
        self._relay = parts.runtime.spawn(
            OutboxRelay(parts.database, parts.bus, parts.runtime).run(), name="outbox-relay-standby"
        )
        self._jobs = schedule.JobRunner(
            database=parts.database,
            bus=parts.bus,
            cache=parts.cache,
            runtime=parts.runtime,
            names=parts.settings.names,
            ports=ports_of(parts),
        )
        jobs = schedule.discovered()
        await self._jobs.start(jobs)
        log.info("scheduler.started", jobs=[job.name for job in jobs])

    async def stop(self) -> None:
        await self._jobs.stop()
        self._relay.cancel()
        await asyncio.gather(self._relay, return_exceptions=True)
