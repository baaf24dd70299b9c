"""The roles a process can play, and how each starts and stops.

Order matters and is logged: schema, broker, consumers, HTTP; stopping goes the other way and drains. A process
loads the roles that it plays and no other: a killed gateway is back three times as fast.
"""

from importlib import import_module
from typing import Any, ClassVar, Protocol

from stationmaster.compose.adapters import Parts


class Role(Protocol):
    """``needs_database``: the gateway has none (architecture 1.2)."""

    name: ClassVar[str]
    needs_database: ClassVar[bool]

    async def start(self, parts: Parts) -> None: ...
    async def stop(self) -> None: ...


ALL = {
    "gateway": "gateway_role:GatewayRole",
    "ocpp-worker": "backend_roles:WorkerRole",
    "notification-worker": "browser_role:NotificationRole",
    "analytics-worker": "backend_roles:AnalyticsRole",
    "api": "api_role:ApiRole",
    "scheduler": "backend_roles:SchedulerRole",
}
"""Where each is found, beside this file."""


def make(name: str) -> Any:
    """A role by its name."""
    module, _, class_ = ALL[name].partition(":")
    return getattr(import_module(f"stationmaster.compose.{module}"), class_)()
