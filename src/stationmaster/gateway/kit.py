"""What do all links of a gateway share?"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from stationmaster.contracts.commands import StationCommand
from stationmaster.gateway.heartbeats import Heartbeats
from stationmaster.gateway.id_tokens import IdTokens
from stationmaster.gateway.options import GatewayOptions
from stationmaster.gateway.publishing import Publishing
from stationmaster.gateway.transaction_ids import TransactionIds
from stationmaster.kernel.clock import Clock

if TYPE_CHECKING:
    from stationmaster.gateway.link import Link


class Outcomes(Protocol):
    """Whoever tells the rest of the system what became of a command."""

    def tell(
        self, command: StationCommand, state: str, *, answer: bytes = b"null", error: str = ""
    ) -> None: ...


@dataclass(frozen=True, slots=True)
class Kit:
    """``reply_to`` is the gateway's own queue; ``closed`` is called when a link is over."""

    gateway_id: str
    reply_to: str
    options: GatewayOptions
    clock: Clock
    publishing: Publishing
    heartbeats: Heartbeats
    transaction_ids: TransactionIds
    id_tokens: IdTokens
    outcomes: Outcomes
    closed: Callable[["Link"], None]
