"""stationmaster migrate: bring the database's schema up to this program's."""

import typer
from rich.console import Console

from stationmaster.cli.running import settings_for


def register(app: typer.Typer) -> None:
    app.command("migrate")(migrate)


def migrate() -> None:
    """Run the pending migrations."""
    from stationmaster.infra.db import migrate as migrations

    settings = settings_for()
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    waiting = migrations.pending(settings.database)
    migrations.upgrade(settings.database)
    Console().print(
        f"[green]✓[/] schema {migrations.current(settings.database)}, {len(waiting)} migrations run"
    )
