"""Who was not let in, and why? Collected, and told to the directory, where operators see it."""

import structlog

from stationmaster.gateway import limits, metrics
from stationmaster.gateway.admission import Candidate, Refusal
from stationmaster.gateway.ports import RefusedHandshake, StationDirectory
from stationmaster.gateway.stamping import wire_time
from stationmaster.infra.runtime import Runtime
from stationmaster.kernel.errors import Unavailable

log = structlog.get_logger()


class Refusals:
    """The same refusal within one flush is one row with a count."""

    def __init__(self, gateway_id: str, directory: StationDirectory, runtime: Runtime):
        self._gateway_id, self._directory, self._runtime = gateway_id, directory, runtime
        self._waiting: dict[tuple[str, str, str], RefusedHandshake] = {}

    def note(self, candidate: Candidate, refusal: Refusal) -> None:
        metrics.REFUSED.labels(refusal.reason).inc()
        key = (candidate.identity, candidate.address, refusal.reason)
        earlier = self._waiting.pop(key, None)
        self._waiting[key] = RefusedHandshake(
            station_id=candidate.identity,
            remote_address=candidate.address,
            reason=refusal.reason,
            detail=refusal.detail,
            gateway_id=self._gateway_id,
            count=1 + (earlier.count if earlier else 0),
            at=wire_time(self._runtime.clock.now()),
        )
        if len(self._waiting) > limits.REFUSALS_KEPT:
            del self._waiting[next(iter(self._waiting))]

    async def flush(self) -> None:
        """Tell; what cannot be told now waits."""
        if not self._waiting:
            return
        telling, self._waiting = self._waiting, {}
        try:
            await self._directory.refused(list(telling.values()))
        except Unavailable as error:
            log.warning("gateway.refusals.untold", error=str(error), waiting=len(telling))
            self._waiting = {**telling, **self._waiting}
