"""stationmaster gateway | ocpp-worker | notification-worker | analytics-worker | api | scheduler: one role each."""

from pathlib import Path
from typing import Annotated

import typer

from stationmaster.cli.running import run, settings_for

HELP = {
    "gateway": "Speak OCPP to charging stations. Needs no database.",
    "ocpp-worker": "Apply frames, write the log, carry commands.",
    "notification-worker": "Tell browsers what happened.",
    "analytics-worker": "Count sessions, energy and revenue.",
    "api": "HTTP, pages and Socket.IO.",
    "scheduler": "Scheduled checks, one leader.",
}


def register(app: typer.Typer) -> None:
    for role, told in HELP.items():
        app.command(role, help=told)(_command(role))


def _command(role: str):  # type: ignore[no-untyped-def]
    def start(
        data_dir: Annotated[Path | None, typer.Option(help="Where this process keeps its files.")] = None,
        log_level: Annotated[str | None, typer.Option(help="DEBUG, INFO, WARNING or ERROR.")] = None,
    ) -> None:
        from stationmaster.compose.process import serve
        from stationmaster.kernel.errors import Refused

        settings = settings_for(role, data_dir=data_dir, log_level=log_level)
        if settings.is_embedded:
            raise Refused(
                "one_process_only",
                f"{role} as a process of its own needs servers between the processes.",
                hint="Set DATABASE_URL and RABBITMQ_URL, or run everything with: stationmaster up",
            )
        run(serve(settings, [role]))

    return start
