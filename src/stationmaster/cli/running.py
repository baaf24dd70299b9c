"""How a command starts a process: settings, logs, loop."""

from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import uvloop

from stationmaster.compose import settings as s
from stationmaster.infra.telemetry import configure_logs


def settings_for(role: str = "", **flags: Any) -> s.Settings:
    """Load settings and set up logs by them. Errors are one readable line each."""
    from pydantic import ValidationError

    from stationmaster.kernel.errors import Invalid

    try:
        found = s.load(gateway=role == "gateway", **flags)
    except ValidationError as error:
        told = "; ".join(f"{'.'.join(str(x) for x in e['loc'])}: {e['msg']}" for e in error.errors())
        raise Invalid(
            "bad_settings", told, hint="stationmaster config shows where each value comes from."
        ) from None
    file = found.log_file or (
        found.data_dir / "logs" / f"{role or 'stationmaster'}.log" if found.is_embedded else None
    )
    configure_logs(level=found.log_level, style=found.log_style, file=_writable(file), role=role)
    return found


def _writable(file: Path | None) -> Path | None:
    return file


def run(work: Coroutine[Any, Any, Any]) -> Any:
    return uvloop.run(work)
