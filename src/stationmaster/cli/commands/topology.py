"""stationmaster topology: print, check or apply what the broker must hold."""

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from stationmaster.cli.running import run, settings_for
from stationmaster.compose.settings import Settings


def register(app: typer.Typer) -> None:
    app.command("topology")(topology)


def topology(
    action: Annotated[str, typer.Argument(help="print, check or apply")] = "print",
) -> None:
    """Exchanges, queues, bindings and retry ladders: print, check or apply them."""
    from stationmaster.kernel.errors import Invalid

    if action not in {"print", "check", "apply"}:
        raise Invalid("bad_action", f"{action!r} is neither print, check nor apply.")
    settings = settings_for()
    if action == "print":
        _print(settings)
    elif not run(_on_broker(settings, action)):
        raise typer.Exit(1)


def _print(settings: Settings) -> None:
    from stationmaster.contracts.topology import topology as declared

    found, console = declared(settings.names), Console()
    queues = Table("queue", "ladder", "arguments", title="Queues")
    for queue in found.queues:
        queues.add_row(
            queue.name,
            "yes" if queue.ladder else "",
            " ".join(f"{k}={v}" for k, v in queue.arguments.items()),
        )
    bindings = Table("exchange", "key", "to", title="Bindings")
    for binding in found.bindings:
        bindings.add_row(binding.source, binding.key, binding.destination)
    for table in (queues, bindings):
        console.print(table)


async def _on_broker(settings: Settings, action: str) -> bool:
    from stationmaster.compose.adapters import make_bus
    from stationmaster.contracts.topology import topology as declared
    from stationmaster.infra.runtime import Runtime

    console, wanted = Console(), declared(settings.names)
    bus = make_bus(settings, Runtime())
    await bus.start()
    try:
        if action == "apply":
            await bus.apply(wanted)
        problems = await bus.check(wanted)
    finally:
        await bus.stop()
    for problem in problems:
        console.print(f"[red]✗[/] {problem}")
    if not problems:
        console.print(f"[green]✓[/] {len(wanted.queues)} queues, {len(wanted.bindings)} bindings are there")
    return not problems
