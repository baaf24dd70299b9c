"""stationmaster dead-letters: look at what was set aside, send it round again, or discard it with a reason."""

from typing import Annotated

import structlog
import typer
from rich.console import Console
from rich.table import Table

from stationmaster.cli.running import run, settings_for
from stationmaster.infra.bus.port import Bus

SHOWN_CHARACTERS = 120


def register(app: typer.Typer) -> None:
    app.command("dead-letters")(dead_letters)


def dead_letters(
    action: Annotated[str, typer.Argument(help="list, show, replay or discard")] = "list",
    queue: Annotated[
        str, typer.Argument(help="The queue whose dead letters are meant, e.g. ocpp_messages.")
    ] = "",
    limit: Annotated[int, typer.Option(min=1, max=10_000)] = 100,
    reason: Annotated[str, typer.Option(help="Why they may be discarded; kept in the log.")] = "",
) -> None:
    """Look at, replay or discard messages that were set aside."""
    from stationmaster.kernel.errors import Invalid

    if action not in {"list", "show", "replay", "discard"}:
        raise Invalid("bad_action", f"{action!r} is neither list, show, replay nor discard.")
    if action != "list" and not queue:
        raise Invalid("queue_missing", "Name the queue.", hint="stationmaster dead-letters list")
    if action == "discard" and not reason:
        raise Invalid("reason_missing", "Say why with --reason: what is discarded is gone.")
    run(_do(action, queue, limit, reason))


async def _do(action: str, queue: str, limit: int, reason: str) -> None:
    from stationmaster.compose.adapters import make_bus
    from stationmaster.infra.runtime import Runtime

    console = Console()
    bus: Bus = make_bus(settings_for(), Runtime())
    await bus.start()
    try:
        if action == "list":
            await _list(bus, console)
        elif action == "show":
            await _show(bus, console, queue, limit)
        elif action == "replay":
            console.print(f"{await bus.replay_dead(queue, limit=limit)} sent round again")
        else:
            count = await bus.discard_dead(queue, limit=limit)
            structlog.get_logger().warning("dead_letters.discarded", queue=queue, count=count, reason=reason)
            console.print(f"{count} discarded")
    finally:
        await bus.stop()


async def _list(bus: Bus, console: Console) -> None:
    table = Table("queue", "dead letters")
    for state in await bus.state():
        if state.name.endswith(".dead") and state.ready:
            table.add_row(state.name.removesuffix(".dead"), str(state.ready))
    console.print(table if table.row_count else "[green]✓[/] no dead letters")


async def _show(bus: Bus, console: Console, queue: str, limit: int) -> None:
    table = Table("reason", "attempts", "key", "first document")
    for letter in await bus.dead_letters(queue, limit=limit):
        shown = letter.items[0].decode("utf-8", "replace")[:SHOWN_CHARACTERS] if letter.items else ""
        table.add_row(letter.reason, str(letter.attempts), letter.routing_key, repr(shown))
    console.print(table)
