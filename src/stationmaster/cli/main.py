"""The command line: every file in cli/commands adds one command."""

import sys
from typing import Any, NoReturn

import typer
from rich.console import Console

from stationmaster import __version__
from stationmaster.infra.discovery import modules
from stationmaster.kernel.errors import StationmasterError

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Stationmaster: an open charging station management system.",
)


def _version(wanted: bool) -> None:
    if wanted:
        print(__version__)
        raise typer.Exit


@app.callback()
def root(
    version: bool = typer.Option(
        False, "--version", callback=_version, is_eager=True, help="Print the version."
    ),
) -> None:
    """Stationmaster: an open charging station management system."""


def build() -> Any:
    for module in modules("stationmaster.cli.commands"):
        module.register(app)
    return app


def main() -> NoReturn:
    """Expected trouble is a sentence and exit code 1, never a traceback."""
    try:
        build()()
    except StationmasterError as error:
        console = Console(stderr=True)
        console.print(f"[bold red]{error.code}[/]: {error.message}")
        if error.hint:
            console.print(f"  {error.hint}")
        sys.exit(1)
    sys.exit(0)
