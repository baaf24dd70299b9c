"""stationmaster demo: the whole product with a simulated fleet, nothing to install."""

import asyncio
import contextlib
import json
import tempfile
import webbrowser
from pathlib import Path
from typing import Annotated, cast

import typer
from rich.console import Console
from rich.panel import Panel

from stationmaster.cli.running import run, settings_for
from stationmaster.compose.settings import Settings


def register(app: typer.Typer) -> None:
    app.command("demo")(demo)


def demo(
    once: Annotated[
        bool, typer.Option("--once", help="One charge to its receipt, one JSON line, no browser.")
    ] = False,
    data_dir: Annotated[
        Path | None, typer.Option(help="Where the demo is kept; a new folder if not given.")
    ] = None,
    host: Annotated[str | None, typer.Option(help="Listen on this address.")] = None,
    port: Annotated[int | None, typer.Option(help="Port of the pages (default 8080).")] = None,
    ocpp_port: Annotated[int | None, typer.Option(help="Port for charging stations (default 9000).")] = None,
    browser: Annotated[bool, typer.Option(help="Open the page.")] = True,
    log_level: Annotated[str | None, typer.Option()] = "WARNING",
) -> None:
    """Everything in one process with a simulated fleet; chargers move on the page at once."""
    where = data_dir or Path(tempfile.mkdtemp(prefix="stationmaster-demo-"))
    settings = settings_for(
        "demo",
        data_dir=where,
        host=host,
        api_port=0 if once and port is None else port,
        ocpp_port=0 if once and ocpp_port is None else ocpp_port,
        log_level=log_level,
        database_url=f"sqlite:///{(where / 'stationmaster.db').absolute()}",
        enable_rabbitmq=False,
        heartbeat_interval_s=30,
    )
    run(_once(settings) if once else _show(settings, open_browser=browser))


async def _once(settings: Settings) -> None:
    from stationmaster.compose import demo as world
    from stationmaster.compose import once
    from stationmaster.compose.api_role import ApiRole
    from stationmaster.compose.gateway_role import GatewayRole
    from stationmaster.compose.process import EMBEDDED_ROLES, running

    console = Console(stderr=True)
    async with running(settings, EMBEDDED_ROLES) as process:
        made = await world.make(process.parts)
        api, gateway = cast("ApiRole", process.role("api")), cast("GatewayRole", process.role("gateway"))
        assert gateway.gateway is not None
        receipt = await once.charge(
            made,
            api=f"http://127.0.0.1:{api.port}",
            ocpp=f"ws://127.0.0.1:{gateway.gateway.ports[0]}/ws/ocpp/16",
            told=lambda line: console.print(f"[dim]· {line}[/]"),
        )
    print(json.dumps(receipt))


async def _show(settings: Settings, *, open_browser: bool) -> None:
    from stationmaster.compose import demo as world
    from stationmaster.compose.api_role import ApiRole
    from stationmaster.compose.gateway_role import GatewayRole
    from stationmaster.compose.process import EMBEDDED_ROLES, running, until_signalled
    from stationmaster.simulator.fleet import Fleet

    console = Console()
    async with running(settings, EMBEDDED_ROLES) as process:
        made = await world.make(process.parts)
        api, gateway = cast("ApiRole", process.role("api")), cast("GatewayRole", process.role("gateway"))
        assert gateway.gateway is not None
        ocpp = f"ws://127.0.0.1:{gateway.gateway.ports[0]}/ws/ocpp/16"
        fleet = Fleet(ocpp, world.fleet_of(made), pace=world.PACE)
        await fleet.start()
        url = f"http://{settings.bind if settings.host else '127.0.0.1'}:{api.port}"
        console.print(_panel(url, ocpp, made))
        if open_browser:
            with contextlib.suppress(webbrowser.Error):
                await asyncio.to_thread(webbrowser.open, url)
        await until_signalled()
        await fleet.stop()
    console.print(f"\nKept at {settings.data_dir}; delete with: rm -r {settings.data_dir}")


def _panel(url: str, ocpp: str, made: "object") -> Panel:
    from stationmaster.compose.demo import World

    assert isinstance(made, World)
    text = (
        f"[bold]Operator[/]  {url}/\n"
        f"          {made.operator_email}  {made.operator_password}\n"
        f"[bold]Driver[/]    {url}/driver/\n"
        f"          {made.driver_email}  {made.driver_password}\n\n"
        f"Start a charge on PUN-001, then watch the log drawer.\n"
        f"Your own charger: {ocpp}/{{deviceId}} (see docs/howto/connect-a-charger.md)\n"
        f"Ctrl-C stops."
    )
    return Panel(text, title="Stationmaster demo", expand=False)
