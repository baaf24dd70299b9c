"""What does this function want? It gets what its signature names, and nothing else."""

import inspect
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any

_NAMED = (inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


@lru_cache(maxsize=1024)
def _wants(function: Callable[..., Any]) -> tuple[tuple[tuple[str, bool], ...], bool]:
    """((name, is it required), ...) and whether the function takes everything (``**rest``)."""
    parameters = inspect.signature(function).parameters.values()
    named = tuple((p.name, p.default is inspect.Parameter.empty) for p in parameters if p.kind in _NAMED)
    return named, any(p.kind is inspect.Parameter.VAR_KEYWORD for p in parameters)


def call(function: Callable[..., Any], *given: Any, **offered: Any) -> Any:
    """Call with ``given`` first and, by name, those of ``offered`` that the signature names."""
    named, takes_all = _wants(function)
    if takes_all:
        return function(*given, **offered)
    return function(*given, **{name: offered[name] for name, _ in named[len(given) :] if name in offered})


def missing(function: Callable[..., Any], offered: Iterable[str], *, given: int = 0) -> list[str]:
    """Required names that nobody offers: asked at start-up, so a bad signature fails at once."""
    named, _ = _wants(function)
    have = set(offered)
    return [name for name, is_required in named[given:] if is_required and name not in have]


def names(function: Callable[..., Any], name: str) -> bool:
    """Does the signature name it?"""
    return any(name == wanted for wanted, _ in _wants(function)[0])
