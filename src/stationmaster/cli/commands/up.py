"""stationmaster up: everything in one process, or several roles supervised."""

from pathlib import Path
from typing import Annotated

import typer

from stationmaster.cli.running import run, settings_for


def register(app: typer.Typer) -> None:
    app.command("up")(up)


def up(
    roles: Annotated[
        str, typer.Option(help="Run these as processes, supervised: gateway,ocpp-worker*2,api")
    ] = "",
    data_dir: Annotated[Path | None, typer.Option(help="Where files are kept.")] = None,
    host: Annotated[str | None, typer.Option(help="Listen on this address.")] = None,
    port: Annotated[int | None, typer.Option(help="Port of the API and the pages.")] = None,
    ocpp_port: Annotated[int | None, typer.Option(help="Port for charging stations.")] = None,
    log_level: Annotated[str | None, typer.Option(help="DEBUG, INFO, WARNING or ERROR.")] = None,
) -> None:
    """Run Stationmaster. Without --roles: one process, no servers needed."""
    from stationmaster.compose.process import EMBEDDED_ROLES, serve
    from stationmaster.compose.supervisor import parse, supervise
    from stationmaster.kernel.errors import Refused

    settings = settings_for(
        "up", data_dir=data_dir, host=host, api_port=port, ocpp_port=ocpp_port, log_level=log_level
    )
    if not roles:
        run(serve(settings, EMBEDDED_ROLES))
        return
    wanted = parse(roles)
    if settings.is_embedded:
        raise Refused(
            "one_process_only",
            "Several processes need servers between them.",
            hint="Set DATABASE_URL and RABBITMQ_URL, or leave --roles out.",
        )
    arguments = [
        *(("--data-dir", str(data_dir)) if data_dir else ()),
        *(("--log-level", log_level) if log_level else ()),
    ]
    run(supervise(wanted, arguments))
