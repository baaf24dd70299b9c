"""Every message struct of every action file agrees with the standard's schema.

The action files are found at run time: a new action is checked as soon as it is there.
"""

import importlib
import json
import pkgutil
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

import stationmaster.actions.v16

Schema = dict[str, Any]


def _structs() -> dict[str, type[msgspec.Struct]]:
    """Schema name -> struct: `HeartbeatRequest` is `Heartbeat`, `HeartbeatResponse` keeps its name."""
    found: dict[str, type[msgspec.Struct]] = {}
    for info in pkgutil.iter_modules(stationmaster.actions.v16.__path__):
        module = importlib.import_module(f"stationmaster.actions.v16.{info.name}")
        action = "".join(word.capitalize() for word in info.name.split("_"))
        for suffix, name in (("Request", action), ("Response", f"{action}Response")):
            struct = getattr(module, f"{action}{suffix}", None)
            if isinstance(struct, type) and issubclass(struct, msgspec.Struct):
                found[name] = struct
    return found


STRUCTS = _structs()


def test_there_is_something_to_check() -> None:
    assert STRUCTS


@pytest.mark.parametrize("name", sorted(STRUCTS))
def test_wire_names_are_the_standards(name: str, schema_of: Callable[[str], Schema]) -> None:
    """Nothing invented, nothing required left out."""
    schema = schema_of(name)
    declared = {field.encode_name for field in msgspec.structs.fields(STRUCTS[name])}
    assert declared <= set(schema.get("properties", {}))
    assert set(schema.get("required", [])) <= declared


@pytest.mark.parametrize("full", [False, True], ids=["required only", "everything"])
@pytest.mark.parametrize("name", sorted(STRUCTS))
def test_a_valid_message_is_read_and_written_back_validly(
    name: str,
    full: bool,
    schema_of: Callable[[str], Schema],
    example: Callable[..., Any],
    validate: Callable[[str, Any], None],
) -> None:
    message = example(schema_of(name), full=full)
    validate(name, message)
    read = msgspec.json.decode(json.dumps(message), type=STRUCTS[name])
    written = json.loads(msgspec.json.encode(read))
    validate(name, {key: value for key, value in written.items() if value is not None})
    declared = {field.encode_name for field in msgspec.structs.fields(STRUCTS[name])}
    for key in declared & set(message):
        assert written.get(key) is not None, f"{key} got lost"
