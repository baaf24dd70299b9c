"""Is this text fit to be a charging station's identity?"""

import string

from stationmaster.kernel.errors import Invalid

LENGTH_MAX = 48
"""OCPP 2.0.1's identifierString; 1.6 leaves the length to us."""

# It stands in URLs, logs and queue documents, and is typed by people: no slashes, no spaces, all printable.
ALLOWED = frozenset(string.ascii_letters + string.digits + "-_.:*+=|@")


def check_identity(station_id: str) -> str:
    """The identity itself. Raises Invalid with what is wrong."""
    if not 1 <= len(station_id) <= LENGTH_MAX:
        raise Invalid("bad_station_id", f"A station's identity has 1 to {LENGTH_MAX} characters.")
    if strange := sorted(set(station_id) - ALLOWED):
        raise Invalid(
            "bad_station_id",
            f"A station's identity cannot contain {' '.join(map(repr, strange))}.",
            hint=f"Allowed are letters, digits and {''.join(sorted(ALLOWED - set(string.ascii_letters)))}.",
        )
    if ".." in station_id or not station_id.strip("."):
        raise Invalid("bad_station_id", "A station's identity cannot look like a path.")
    return station_id
