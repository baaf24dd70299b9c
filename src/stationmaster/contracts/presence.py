"""Where is a station now? What its gateway tells the cache, for whoever wants to reach it; never the truth."""

import msgspec


class Place(msgspec.Struct, frozen=True):
    """A station's newest link, as its gateway says. ``since`` is RFC 3339."""

    gateway: str
    epoch: int
    since: str = ""


def key_of(station_id: str) -> str:
    """Its key in the cache."""
    return f"presence:{station_id}"


def read(text: str | None) -> Place | None:
    """None: nowhere, or nothing that can be read."""
    if text is None:
        return None
    try:
        return msgspec.json.decode(text, type=Place)
    except msgspec.MsgspecError:
        return None
