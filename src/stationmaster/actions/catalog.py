"""Which commands can this installation send, and is this payload one of them?
(infra.http.context.CommandCatalog)

Strict, unlike what stations send us: an unknown or misspelt field is an error here, because no station would
tell.
"""

import re
from collections.abc import Iterator
from typing import Any, Final

import msgspec
from msgspec import inspect

from stationmaster.actions.dispatch import Action, Registry
from stationmaster.kernel.errors import Invalid, NotFound
from stationmaster.ocpp.actions16 import CSMS_ACTIONS

_WHERE: Final = re.compile(r"^(?P<why>.*?)(?: - at `\$\.?(?P<where>[^`]*)`)?$", re.DOTALL)


class CommandCatalog:
    """The actions with a file that the standard lets us send."""

    def __init__(self, registry: Registry | None = None):
        known = (registry or Registry()).actions
        self._actions = {name: action for name, action in sorted(known.items()) if name in CSMS_ACTIONS}

    def names(self) -> list[str]:
        return list(self._actions)

    def encode(self, action: str, payload: dict[str, Any]) -> bytes:
        """The wire's payload. Raises NotFound for an unknown action and Invalid for a payload off its
        schema.
        """
        found = self._actions.get(action)
        if found is None:
            raise NotFound(
                "unknown_command",
                f"{action!r} is no command of ours.",
                hint=f"One of {', '.join(self._actions)}.",
            )
        said = _without_nulls(payload)
        self._check(found, said)
        return msgspec.json.encode(said)

    def _check(self, action: Action, payload: dict[str, Any]) -> None:
        try:
            request = msgspec.convert(payload, action.request, strict=True)
        except msgspec.ValidationError as error:
            found = _WHERE.match(str(error))
            assert found is not None
            raise _invalid(action.name, found["where"] or "", found["why"]) from error
        for where in _unknown(payload, inspect.type_info(action.request), ""):
            raise _invalid(action.name, where, "There is no such field.")
        if action.check is not None:
            action.check(request)


def _invalid(action: str, where: str, why: str) -> Invalid:
    at = f"{action}.{where}" if where else action
    return Invalid("invalid_command", f"{at}: {why}", where=where, why=why)


def _without_nulls(value: Any) -> Any:
    """OCPP knows no null: a field is there or it is not."""
    if isinstance(value, dict):
        return {key: _without_nulls(inner) for key, inner in value.items() if inner is not None}
    return [_without_nulls(inner) for inner in value] if isinstance(value, list) else value


def _unknown(value: Any, kind: inspect.Type, where: str) -> Iterator[str]:
    """Paths of fields that the structs do not name."""
    if isinstance(kind, inspect.UnionType):
        options = [one for one in kind.types if isinstance(one, inspect.StructType | inspect.ListType)]
        kind = options[0] if len(options) == 1 else kind
    if isinstance(kind, inspect.ListType) and isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _unknown(inner, kind.item_type, f"{where}[{index}]")
    if isinstance(kind, inspect.StructType) and isinstance(value, dict):
        fields = {field.encode_name: field.type for field in kind.fields}
        for name, inner in value.items():
            path = f"{where}.{name}" if where else name
            if name in fields:
                yield from _unknown(inner, fields[name], path)
            else:
                yield path
