"""A process loads what its role needs and no more: that is how soon it is back after a kill."""

import subprocess
import sys

import pytest

from stationmaster.compose import roles

LOADED = """
import sys
from stationmaster.compose import process, roles
roles.make({name!r})
print(*sys.modules)
"""


@pytest.mark.parametrize("name", roles.ALL)
def test_every_role_can_be_made(name: str) -> None:
    assert roles.make(name).name == name


@pytest.mark.parametrize(
    ("name", "spared"),
    [
        ("gateway", {"sqlalchemy", "fastapi", "socketio", "alembic", "stationmaster.worker.frames"}),
        ("ocpp-worker", {"uvicorn", "socketio", "picows"}),
    ],
)
def test_what_a_role_does_not_load(name: str, spared: set[str]) -> None:
    told = subprocess.run(
        [sys.executable, "-c", LOADED.format(name=name)], check=True, capture_output=True, text=True
    )
    assert spared & set(told.stdout.split()) == set()
