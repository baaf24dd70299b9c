"""Which OCPP version do a station and we speak on this connection?"""

from collections.abc import Mapping, Sequence
from typing import Final

OCPP_16: Final = "ocpp1.6"

PATH_VERSIONS: Final[Mapping[str, str]] = {"16": OCPP_16, "1.6": OCPP_16}
"""The version in `/ws/ocpp/<version>/<deviceId>` and the sub-protocol that it means."""


def choose(
    offered: Sequence[str], path_version: str | None, accepted: Sequence[str] = (OCPP_16,)
) -> str | None:
    """The sub-protocol to answer with; None refuses the connection.

    The station's order is its preference (OCPP-J 1.6, 3.1.2; RFC 6455, 11.3.4). Header values may arrive
    joined by commas. A path that names a version allows only that one.
    """
    allowed = set(accepted)
    if path_version is not None:
        allowed &= {PATH_VERSIONS.get(path_version, "")}
    names = [name.strip() for value in offered for name in value.split(",")]
    return next((name for name in names if name in allowed), None)
