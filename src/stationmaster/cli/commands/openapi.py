"""stationmaster openapi: write the API's description, for the typed client of the pages."""

import json
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from stationmaster.cli.running import run


def register(app: typer.Typer) -> None:
    app.command("openapi")(openapi)


def openapi(
    file: Annotated[Path | None, typer.Argument(help="Where to; nothing: standard output.")] = None,
) -> None:
    """Write openapi.json."""
    text = run(_document())
    if file is None:
        print(text)
    else:
        file.write_text(text + "\n", encoding="utf-8")


async def _document() -> str:
    from stationmaster.api import app as api_app
    from stationmaster.compose.adapters import make_parts
    from stationmaster.compose.api_role import context_of
    from stationmaster.compose.secrets import Secrets
    from stationmaster.compose.settings import Settings

    with tempfile.TemporaryDirectory() as scratch:
        parts = make_parts(
            Settings(data_dir=Path(scratch)), Secrets(b"-", "-"), role="openapi", with_database=True
        )
        document = api_app.build(context_of(parts), origins=[], checks={}).openapi()
    return json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False)
