"""What we answer without asking anybody is what the standard allows."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from importlib import resources
from typing import Any

import pytest

from stationmaster.ocpp import immediate
from stationmaster.ocpp.actions16 import CSMS_ACTIONS, DECIDED, STATION_ACTIONS


@pytest.mark.parametrize("action", sorted(STATION_ACTIONS - DECIDED))
def test_an_immediate_answer_fits_its_schema(action: str, validate: Callable[[str, Any], None]) -> None:
    answer = immediate.answer(action, b"{}", now=datetime(2026, 1, 1, tzinfo=UTC), heartbeat_interval_s=300)
    assert answer is not None
    validate(f"{action}Response", json.loads(answer))


def test_our_lists_of_actions_are_complete() -> None:
    names = {file.name.removesuffix(".json") for file in (resources.files("ocpp.v16") / "schemas").iterdir()}
    actions = {name for name in names if not name.endswith("Response") and f"{name}Response" in names}
    assert actions == STATION_ACTIONS | CSMS_ACTIONS
