"""Which station does a request's path name?

`/ws/ocpp/16/{identity}` and `/ws/ocpp/{identity}`. The identity is percent-decoded once (the standard's own
example is `RDAM%7C123`) and then compared with an allow-list, so that it can never be more than a name.
"""

import re
from typing import Final, NamedTuple
from urllib.parse import unquote_to_bytes

from stationmaster.gateway.limits import IDENTITY_LENGTH_MAX
from stationmaster.kernel.errors import Invalid, NotFound
from stationmaster.ocpp.subprotocol import PATH_VERSIONS

PREFIX: Final = "/ws/ocpp/"

# OCPP 2.0.1's identifierString: no slash, space, quote, brace, percent or control.
_ALLOWED: Final = re.compile(rf"[A-Za-z0-9*_=:+|@.-]{{1,{IDENTITY_LENGTH_MAX}}}")
_VERSION: Final = re.compile(r"[0-9][0-9.]{0,7}")


class Address(NamedTuple):
    """``version`` is the path's version segment, None when it has none."""

    identity: str
    version: str | None


def parse_path(path: bytes) -> Address:
    """Raises NotFound for another path, Invalid (`bad_identity`) for a name that cannot be one."""
    text = path.split(b"?", 1)[0].decode("latin-1")
    if not text.startswith(PREFIX):
        raise NotFound("no_such_path")
    segments = text[len(PREFIX) :].split("/")
    if len(segments) == 1:
        return Address(_identity(segments[0]), None)
    if len(segments) == 2 and (segments[0] in PATH_VERSIONS or _VERSION.fullmatch(segments[0])):
        return Address(_identity(segments[1]), segments[0])
    raise NotFound("no_such_path")


def _identity(segment: str) -> str:
    raw = unquote_to_bytes(segment.encode("latin-1"))
    try:
        name = raw.decode("ascii")
    except UnicodeDecodeError:
        raise Invalid("bad_identity", "not plain ASCII") from None
    if not _ALLOWED.fullmatch(name) or ".." in name or name == ".":
        raise Invalid("bad_identity", "characters or length")
    return name


def cleaned(path: bytes) -> str:
    """What a refused request claimed, harmless to store and show."""
    text = path.decode("latin-1")[: 2 * IDENTITY_LENGTH_MAX]
    return "".join(c if 32 < ord(c) < 127 and c not in "<>\"'`&{}" else "?" for c in text)
