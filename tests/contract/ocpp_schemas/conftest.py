"""The standard's own schemas (they come with the PyPI package `ocpp`), and examples made from them."""

import json
from collections.abc import Callable
from importlib import resources
from typing import Any

import jsonschema
import pytest

Schema = dict[str, Any]


def load_schema(name: str) -> Schema:
    file = resources.files("ocpp.v16") / "schemas" / f"{name}.json"
    schema: Schema = json.loads(file.read_text(encoding="utf-8-sig"))
    return schema


def make_example(schema: Schema, *, full: bool) -> Any:
    """A valid instance: with every property when ``full``, else with the required ones only."""
    if "enum" in schema:
        return schema["enum"][0]
    match schema.get("type"):
        case "object":
            required = schema.get("required", [])
            wanted = schema.get("properties", {})
            return {k: make_example(v, full=full) for k, v in wanted.items() if full or k in required}
        case "array":
            return [make_example(schema["items"], full=full)]
        case "integer":
            return 1
        case "number":
            return 1.0
        case "boolean":
            return True
        case _:
            text = "2026-01-01T00:00:00.000Z" if schema.get("format") == "date-time" else "text"
            return text[: schema.get("maxLength", len(text))]


@pytest.fixture(scope="session")
def schema_of() -> Callable[[str], Schema]:
    return load_schema


@pytest.fixture(scope="session")
def example() -> Callable[..., Any]:
    return make_example


@pytest.fixture(scope="session")
def validate() -> Callable[[str, Any], None]:
    """``validate("Heartbeat", payload)``; the name of an answer ends with Response."""

    def check(name: str, payload: Any) -> None:
        jsonschema.Draft4Validator(load_schema(name)).validate(payload)

    return check
