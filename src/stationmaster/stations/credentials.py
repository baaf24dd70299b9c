"""A station's Basic-auth password: made here, shown once, kept as a keyed digest.

The password is random and long, so a fast keyed digest is enough; a slow one would make ten thousand stations
that reconnect at once a denial of service.
"""

import hashlib

from sqlalchemy import update

from stationmaster.contracts.credentials import digest
from stationmaster.infra.db.database import UnitOfWork
from stationmaster.kernel.errors import Invalid, NotFound, Refused
from stationmaster.kernel.ids import IdSource
from stationmaster.stations.tables import station

PASSWORD_BYTES = 16
"""OCPP security whitepaper: at least 16 bytes. As hex digits it fits AuthorizationKey's 40 characters."""

_ENTROPY_CHARACTERS = 32
"""160 random bits, folded to 128: more than enough whatever the source's alphabet."""


def new_password(ids: IdSource) -> str:
    """32 hex digits."""
    return hashlib.sha256(ids.token(_ENTROPY_CHARACTERS).encode()).hexdigest()[: 2 * PASSWORD_BYTES]


def digest_of(password: str, *, pepper: bytes | str) -> str:
    """What is stored. The pepper lives in the settings, so a stolen table opens no station."""
    key = pepper.encode() if isinstance(pepper, str) else pepper
    if not key:
        raise Invalid("no_station_pepper", "No pepper is set for station passwords.")
    return digest(key, password.encode())


async def rotate(uow: UnitOfWork, *, station_id: str, pepper: bytes | str, ids: IdSource) -> str:
    """A new password; the old one is dead with the commit."""
    password = new_password(ids)
    changed = await uow.execute(
        update(station)
        .where(station.c.station_id == station_id, station.c.archived_at.is_(None))
        .values(key_digest=digest_of(password, pepper=pepper), version=station.c.version + 1)
    )
    if changed.rowcount == 0:
        raise NotFound("unknown_station", f"There is no charging station {station_id!r}.")
    return password


def password_for(security_profile: int, *, ids: IdSource) -> str | None:
    """Profile 0 has no password; profiles 1 and 2 are Basic auth; 3 is by certificate."""
    match security_profile:
        case 0:
            return None
        case 1 | 2:
            return new_password(ids)
        case other:
            raise Refused(
                "profile_not_supported", f"Security profile {other} is not supported yet.", status=422
            )
