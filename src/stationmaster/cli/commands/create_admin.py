"""stationmaster create-admin: the first person of a new installation."""

from typing import Annotated

import typer
from rich.console import Console

from stationmaster.cli.running import run, settings_for
from stationmaster.compose.settings import Settings


def register(app: typer.Typer) -> None:
    app.command("create-admin")(create_admin)


def create_admin(
    email: Annotated[str, typer.Argument()],
    organisation: Annotated[str, typer.Option(help="Also make this organisation.")] = "",
    name: Annotated[str, typer.Option()] = "",
    password: Annotated[
        str | None, typer.Option(prompt=True, hide_input=True, confirmation_prompt=True)
    ] = None,
) -> None:
    """Make an admin of the whole platform (and an organisation to put stations into)."""
    run(_create(settings_for(), email, name, password or "", organisation))


async def _create(settings: Settings, email: str, name: str, password: str, organisation: str) -> None:
    from stationmaster.compose.adapters import make_database
    from stationmaster.identity import people
    from stationmaster.infra.runtime import Runtime

    runtime, console = Runtime(), Console()
    database = make_database(settings, runtime, role="create-admin")
    await database.start()
    now, ids = runtime.clock.now(), runtime.ids
    try:
        async with database.transaction() as uow:
            await people.create_operator(
                uow, email=email, password=password, name=name, role="admin", now=now, ids=ids
            )
            if organisation:
                made = await people.create_organisation(uow, name=organisation, now=now, ids=ids)
                console.print(f"organisation {made.id}")
    finally:
        await database.stop()
    console.print(f"[green]✓[/] {email} may sign in")
