"""Which file answers this OCPP action?

Discovery reads `actions/v16/*.py`; a file that disagrees with its name refuses to load.
"""

import inspect
import typing
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import ModuleType
from typing import Any, Generic, TypeVar

import msgspec

from stationmaster.infra import discovery, inject
from stationmaster.kernel.errors import Invalid

R = TypeVar("R")

V16 = "stationmaster.actions.v16"


@dataclass(slots=True)
class Call(Generic[R]):
    """One CALL of a station, ready for its handler.

    ``is_late``: fills a gap, belongs to an older link, or is a replay, so "last value" fields must not move
    backwards (compare epoch, seq). ``given``: what the gateway answered by its offline policy, when known.
    ``remember_id_token`` is the handler's to set: the gateway may accept it while nobody can be asked.
    """

    station_id: str
    charger_id: str
    epoch: int
    seq: int
    message_id: str
    action: str
    request: R
    received_at: datetime
    payload: bytes
    gateway_id: str = ""
    proposed_transaction_id: int | None = None
    is_late: bool = False
    given: bytes | None = None
    remember_id_token: str = ""
    flags: list[str] = field(default_factory=list)


class Unreadable(Invalid):
    """A payload that is not its action's request; ``code`` is the OCPP error code to answer with."""


@dataclass(frozen=True, slots=True)
class Action:
    """One file of actions: what it is called, what it carries, who handles it (None: only we send it)."""

    name: str
    request: type[msgspec.Struct]
    response: type[msgspec.Struct]
    handle: Callable[..., Awaitable[Sequence[msgspec.Struct | None]]] | None = None
    check: Callable[[Any], None] | None = None

    def decode(self, payload: bytes | msgspec.Raw) -> msgspec.Struct:
        """Tolerant: numbers in quotes and unknown fields are read. Raises Unreadable."""
        try:
            return msgspec.json.decode(payload, type=self.request, strict=False)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise Unreadable(_error_code(error), str(error)) from error


def _error_code(error: Exception) -> str:
    """OCPP-J 1.6, 4.2.3: the code that names the trouble best."""
    text = str(error)
    if not isinstance(error, msgspec.ValidationError) or "missing required field" in text:
        return "FormationViolation"
    if " of length " in text or " >= " in text or " <= " in text or "matching regex" in text:
        return "PropertyConstraintViolation"
    return "TypeConstraintViolation"


class Registry:
    """Every action that files define, by OCPP name; those of a package unless they are given."""

    def __init__(self, package: str = V16, *, files: Iterable[ModuleType] | None = None):
        found = [_action(module) for module in (discovery.modules(package) if files is None else files)]
        self.actions: dict[str, Action] = {action.name: action for action in found}

    def get(self, name: str) -> Action | None:
        return self.actions.get(name)

    def handles(self, name: str) -> bool:
        """Does a station's CALL of this action have somebody who answers or records it?"""
        action = self.actions.get(name)
        return action is not None and action.handle is not None

    async def handle(self, name: str, calls: Sequence[Call[Any]], **offered: Any) -> list[bytes | None]:
        """Hand all calls of one action to its file; the answers' JSON, aligned with the calls."""
        action = self.actions[name]
        assert action.handle is not None, f"{name} has no handler"
        answers = await inject.call(action.handle, calls, **offered)
        assert len(answers) == len(calls), f"{name} answered {len(answers)} of {len(calls)} calls"
        return [None if answer is None else msgspec.json.encode(answer) for answer in answers]

    def missing(self, offered: Iterable[str]) -> list[str]:
        """What handlers ask for and nobody offers, as `Action: name`; empty is good."""
        names = list(offered)
        return [
            f"{action.name}: {name}"
            for action in self.actions.values()
            if action.handle is not None
            for name in inject.missing(action.handle, names, given=1)
        ]


def _action(module: ModuleType) -> Action:
    """Read one file. Raises Invalid when its parts do not carry its name."""
    file = module.__name__.rpartition(".")[2]
    name = "".join(part.capitalize() for part in file.split("_"))
    request = _struct(module, f"{name}Request")
    response = _struct(module, f"{name}Response")
    handle = getattr(module, "handle", None)
    if handle is not None and _request_type(handle) is not request:
        raise Invalid("bad_action_file", f"{file}.py: handle must take Sequence[Call[{name}Request]]")
    return Action(name, request, response, handle, getattr(module, "check", None))


def _struct(module: ModuleType, name: str) -> type[msgspec.Struct]:
    found = getattr(module, name, None)
    if not (isinstance(found, type) and issubclass(found, msgspec.Struct)):
        raise Invalid("bad_action_file", f"{module.__name__} must define the struct {name}")
    return found


def _request_type(handle: Callable[..., Any]) -> Any:
    """R of the first parameter's `Sequence[Call[R]]`; None when it is something else."""
    first = next(iter(inspect.signature(handle).parameters), "")
    annotation = typing.get_type_hints(handle).get(first)
    inner = typing.get_args(annotation)
    if len(inner) != 1 or typing.get_origin(inner[0]) is not Call:
        return None
    return typing.get_args(inner[0])[0]
