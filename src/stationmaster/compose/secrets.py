"""Secrets that one machine may make for itself: kept in the data directory, readable by its owner only."""

import json
import os
from dataclasses import dataclass

from stationmaster.compose.settings import Settings
from stationmaster.kernel.errors import Refused
from stationmaster.kernel.ids import SystemIds

SECRET_CHARACTERS = 40


@dataclass(frozen=True, slots=True)
class Secrets:
    station_pepper: bytes
    internal_secret: str


def load(settings: Settings) -> Secrets:
    """Given ones win. Raises Refused where the settings must not be run with."""
    if (mistakes := settings.mistakes()) and not settings.dev_mode:
        raise Refused(
            "unsafe_settings", " ".join(mistakes), hint="Mend them, or set STATIONMASTER_DEV=1 on a desk."
        )
    made = _own(settings)
    pepper = settings.station_pepper.get_secret_value() if settings.station_pepper else made["station_pepper"]
    internal = (
        settings.internal_secret.get_secret_value() if settings.internal_secret else made["internal_secret"]
    )
    return Secrets(pepper.encode(), internal)


def _own(settings: Settings) -> dict[str, str]:
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    file = settings.data_dir / "secrets.json"
    ids = SystemIds()
    made = {name: ids.token(SECRET_CHARACTERS) for name in ("station_pepper", "internal_secret")}
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return {**made, **json.loads(file.read_text(encoding="utf-8"))}
    with os.fdopen(descriptor, "w", encoding="utf-8") as out:
        json.dump(made, out)
    return made
