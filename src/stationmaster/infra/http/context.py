"""What a route may use: handed to the application once, by compose."""

from dataclasses import dataclass, field
from typing import Any, Protocol, cast

from fastapi import Request

from stationmaster.contracts.topology import Names
from stationmaster.infra.bus.port import Bus
from stationmaster.infra.cache.port import Cache
from stationmaster.infra.db.database import Database
from stationmaster.infra.runtime import Runtime


class CommandCatalog(Protocol):
    """The OCPP commands this installation can send, with their checks (the actions room fills it)."""

    def names(self) -> list[str]: ...

    def encode(self, action: str, payload: dict[str, Any]) -> bytes:
        """The wire's payload. Raises NotFound for an unknown action and Invalid for a payload off its schema."""
        ...


@dataclass(slots=True)
class Context:
    """``options`` are the settings slices of the rooms, by the room's own key."""

    database: Database
    bus: Bus
    cache: Cache
    runtime: Runtime
    commands: CommandCatalog
    names: Names = field(default_factory=Names)
    options: dict[str, Any] = field(default_factory=dict)


def get(request: Request) -> Context:
    """The FastAPI dependency."""
    return cast("Context", request.app.state.context)
