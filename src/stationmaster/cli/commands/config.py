"""stationmaster config: each setting, its value and where it came from."""

import os
from typing import Any

import typer
from pydantic import AliasChoices, SecretStr
from rich.console import Console
from rich.table import Table

from stationmaster.cli.running import settings_for


def register(app: typer.Typer) -> None:
    app.command("config")(config)


def config(gateway: bool = typer.Option(False, help="As the gateway reads them (.env.ocpp too).")) -> None:
    """Print every setting and its source; secrets are masked."""
    from stationmaster.compose.settings import Settings

    found = settings_for("gateway" if gateway else "")
    table = Table("setting", "value", "from")
    for name, field in Settings.model_fields.items():
        alias = field.validation_alias
        names = [str(choice) for choice in alias.choices] if isinstance(alias, AliasChoices) else [name]
        value = getattr(found, name)
        table.add_row(names[0], _shown(value), _source(names, is_default=value == field.default))
    Console().print(table)


def _shown(value: Any) -> str:
    if isinstance(value, SecretStr):
        return "••••" if value.get_secret_value() else ""
    text = "" if value is None else str(value)
    scheme, _, rest = text.partition("://")
    return f"{scheme}://••••@{rest.rpartition('@')[2]}" if "@" in rest else text


def _source(names: list[str], *, is_default: bool) -> str:
    if any(name in os.environ for name in names):
        return "environment"
    return "default" if is_default else "file"
