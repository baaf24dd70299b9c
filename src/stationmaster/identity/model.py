"""Who people, organisations and idTokens are: frozen values, no I/O."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Organisation:
    """Owns charging stations, and is paid for what they deliver less the platform's fee."""

    id: str
    name: str
    currency: str
    timezone: str
    platform_fee_bps: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Person:
    """An operator or a driver."""

    id: str
    kind: str
    role: str
    organisation_id: str | None
    email: str | None
    phone: str | None
    name: str
    created_at: datetime
    disabled_at: datetime | None


@dataclass(frozen=True, slots=True)
class Principal:
    """Who is asking. ``organisation_id`` None: an operator or admin of the whole platform."""

    person_id: str
    kind: str
    role: str
    organisation_id: str | None
    name: str
    email: str
    login_id: str
    csrf_token: str = ""
    login_kind: str = "bearer"

    @property
    def actor(self) -> str:
        """How this person signs what they do, in commands, sessions and the ledger."""
        return f"{self.kind}:{self.person_id}"

    @property
    def is_platform_admin(self) -> bool:
        return self.role == "admin" and self.organisation_id is None


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A new login. ``secret`` is known to nobody else, and to us only now."""

    secret: str
    csrf_token: str
    principal: Principal
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class IdToken:
    """What identifies a driver to a station, and who pays for it."""

    id: str
    token: str
    kind: str
    organisation_id: str
    driver_id: str | None
    payer_kind: str
    payer_reason: str | None
    status: str
    expires_at: datetime | None
    is_operator: bool
    created_at: datetime
