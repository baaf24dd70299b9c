"""Is this browser or app signed in, and as whom?

A login's secret is 256 random bits; only its SHA-256 is stored: enough for a secret that cannot be guessed.
"""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import func, select, update

from stationmaster.identity import passwords
from stationmaster.identity.model import Principal, SignedIn
from stationmaster.identity.tables import login, person
from stationmaster.infra.db.database import Reader, UnitOfWork
from stationmaster.infra.db.values import value_of
from stationmaster.kernel.errors import Refused
from stationmaster.kernel.ids import IdSource

LIFETIME: Final = {"cookie": timedelta(hours=12), "bearer": timedelta(hours=24)}
SECRET_CHARACTERS = 52
"""260 bits in base 32."""
CSRF_CHARACTERS = 26
SECRET_LENGTH_MAX = 128


@dataclass(frozen=True, slots=True)
class Candidate:
    """The person of an email address, before the password was looked at. ``person_id`` None: nobody."""

    person_id: str | None
    password_hash: str | None


def wrong_credentials() -> Refused:
    """One answer for an unknown address, a wrong password and a disabled person."""
    return Refused("wrong_credentials", "Email address or password is wrong.", status=401)


def normal_email(email: str) -> str:
    return email.strip().lower()


async def find_candidate(reader: Reader, email: str) -> Candidate:
    """The password is then verified outside any database transaction: it takes its time on purpose."""
    row = (
        await reader.execute(
            select(person.c.id, person.c.password_hash).where(
                person.c.email == normal_email(email), person.c.disabled_at.is_(None)
            )
        )
    ).first()
    return Candidate(None, None) if row is None else Candidate(row.id, row.password_hash)


async def sign_in(
    uow: UnitOfWork, *, email: str, password: str, kind: str, now: datetime, ids: IdSource
) -> SignedIn:
    """All of it in one. Raises Refused (401), which never says what was wrong."""
    candidate = await find_candidate(uow, email)
    if not await passwords.is_right(password, candidate.password_hash) or candidate.person_id is None:
        raise wrong_credentials()
    return await issue(uow, person_id=candidate.person_id, kind=kind, now=now, ids=ids)


async def issue(uow: UnitOfWork, *, person_id: str, kind: str, now: datetime, ids: IdSource) -> SignedIn:
    """A login for a person who has proved who they are."""
    secret, csrf_token = ids.token(SECRET_CHARACTERS), ids.token(CSRF_CHARACTERS)
    row = {
        "id": ids.new("login"),
        "person_id": person_id,
        "secret_hash": hash_of(secret),
        "csrf_token": csrf_token,
        "kind": kind,
        "created_at": now,
        "expires_at": now + LIFETIME[kind],
    }
    await uow.bulk_insert(login, [row])
    principal = await authenticate(uow, secret=secret, now=now)
    if principal is None:  # Disabled between the password and here.
        raise wrong_credentials()
    return SignedIn(secret, csrf_token, principal, now + LIFETIME[kind])


async def authenticate(reader: Reader, *, secret: str, now: datetime) -> Principal | None:
    """Whose login is this? None when it never was one, ran out, was revoked, or the person is disabled."""
    if not secret or len(secret) > SECRET_LENGTH_MAX:
        return None
    row = (
        await reader.execute(
            select(
                person.c.id,
                person.c.kind,
                person.c.role,
                person.c.organisation_id,
                person.c.name,
                func.coalesce(person.c.email, ""),
                login.c.id,
                login.c.csrf_token,
                login.c.kind,
            )
            .join(person, person.c.id == login.c.person_id)
            .where(
                login.c.secret_hash == hash_of(secret),
                login.c.revoked_at.is_(None),
                login.c.expires_at > now,
                person.c.disabled_at.is_(None),
            )
        )
    ).first()
    return None if row is None else value_of(Principal, row)


async def sign_out(uow: UnitOfWork, *, login_id: str, now: datetime) -> None:
    """The secret is worth nothing from now on."""
    await uow.execute(
        update(login).where(login.c.id == login_id, login.c.revoked_at.is_(None)).values(revoked_at=now)
    )


def hash_of(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def is_same_token(given: str, expected: str) -> bool:
    """In constant time."""
    return bool(expected) and hmac.compare_digest(given.encode(), expected.encode())
