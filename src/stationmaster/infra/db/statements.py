"""How does a SQLAlchemy statement run without SQLAlchemy's engine?

Its compiler makes the text once per form of statement and its types convert the values; the driver does the
rest. The engine's own way (execution context, cursor, a greenlet for each statement) costs several times
what the statement itself does. What is unusual still goes that way: ``plan_of`` says None.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import Dialect, Executable, Float, Numeric, SelectBase, Update
from sqlalchemy.engine.result import IteratorResult, SimpleResultMetaData
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.dml import Delete
from sqlalchemy.util import LRUCache

CACHED_FORMS = 1_000


class Fetched(IteratorResult[Any]):
    """A result that was read whole."""

    def __init__(self, metadata: SimpleResultMetaData, rows: Sequence[Any], rowcount: int):
        super().__init__(metadata, iter(rows))
        self.rowcount = rowcount


_NO_COLUMNS = SimpleResultMetaData(())


@dataclass(frozen=True, slots=True)
class _Form:
    """What all statements of one form share. ``metadata`` None: it gives no rows back."""

    compiled: SQLCompiler
    processors: Mapping[str, Callable[[Any], Any]]
    metadata: SimpleResultMetaData | None


@dataclass(frozen=True, slots=True)
class Plan:
    """A statement as a driver wants it."""

    sql: str
    arguments: list[Any]
    metadata: SimpleResultMetaData | None

    def fetched(self, rows: Sequence[tuple[Any, ...]], rowcount: int) -> Fetched:
        """What the driver gave back."""
        return Fetched(self.metadata or _NO_COLUMNS, rows, rowcount)


class Statements:
    """The forms that were seen so far on one engine."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._compiled: Any = LRUCache(CACHED_FORMS)
        self._forms: Any = LRUCache(CACHED_FORMS)

    def plan_of(self, statement: Executable, parameters: Mapping[str, Any] | None) -> Plan | None:
        """None: only the engine knows how."""
        if not isinstance(statement, SelectBase | Update | Delete):
            return None
        made: tuple[Any, ...] = statement._compile_w_cache(  # noqa: SLF001
            self._dialect, compiled_cache=self._compiled, column_keys=sorted(parameters or ())
        )
        compiled, extracted, collected, _ = made
        form = self._form_of(compiled)
        if form is None:
            return None
        values = compiled.construct_params(
            parameters, extracted_parameters=extracted, escape_names=False, _collected_params=collected
        )
        return _plan(form, values)

    def _form_of(self, compiled: Any) -> _Form | None:
        if compiled not in self._forms:
            self._forms[compiled] = _form(compiled, self._dialect)
        found: _Form | None = self._forms[compiled]
        return found


def _form(compiled: Any, dialect: Dialect) -> _Form | None:
    """None for what needs more than values put in and rows taken out: defaults that Python makes, numbers
    that the engine would turn into others."""
    if not isinstance(compiled, SQLCompiler) or compiled.update_prefetch or compiled.implicit_returning:
        return None
    columns: Any = compiled._result_columns  # noqa: SLF001
    if any(isinstance(column.type, Numeric) for column in columns):
        return None
    processors = [_result_processor(column.type, dialect) for column in columns]
    keys = [column.keyname for column in columns]
    metadata = SimpleResultMetaData(keys, _processors=processors if any(processors) else None)
    return _Form(compiled, cast("Any", compiled._bind_processors), metadata if keys else None)  # noqa: SLF001


def _result_processor(type_: Any, dialect: Dialect) -> Any:
    return _float if isinstance(type_, Float) else type_._cached_result_processor(dialect, None)  # noqa: SLF001


def _float(value: Any) -> float | None:
    return None if value is None else float(value)


def _plan(form: _Form, values: Mapping[str, Any]) -> Plan:
    compiled, processors = form.compiled, form.processors
    sql, names = compiled.string, compiled.positiontup
    if compiled.literal_execute_params or compiled.post_compile_params:
        expanded: Any = compiled._process_parameters_for_postcompile(dict(values))  # noqa: SLF001
        sql, names = expanded.statement, expanded.positiontup
        processors = {**processors, **expanded.processors}
        values = {**values, **expanded.additional_parameters}
    arguments = [
        processors[name](values[name]) if name in processors else values[name] for name in names or ()
    ]
    return Plan(sql, arguments, form.metadata)
