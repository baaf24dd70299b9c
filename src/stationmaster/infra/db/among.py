"""``column IN (many values)`` as one parameter, so that the statement's text (and its plan) is the same for
any number of values: ``= ANY(array)`` on PostgreSQL, ``json_each`` on SQLite."""

import json
from collections.abc import Collection
from typing import Any

from sqlalchemy import ARRAY, ColumnElement, Dialect, Text, bindparam
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql import coercions, roles
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import Boolean, TypeDecorator, TypeEngine


class _Values(TypeDecorator[list[Any]]):
    """Values of one column's type: an array, or JSON text."""

    impl = Text
    cache_ok = True

    def __init__(self, item: TypeEngine[Any]):
        super().__init__()
        self.item = item

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "postgresql":
            return dialect.type_descriptor(ARRAY(self.item))
        return dialect.type_descriptor(Text())

    def process_bind_param(self, value: list[Any] | None, dialect: Dialect) -> Any:
        if dialect.name == "postgresql" or value is None:
            return value
        process = self.item.dialect_impl(dialect).bind_processor(dialect)
        return json.dumps(value if process is None else [process(one) for one in value])


class _Among(FunctionElement[bool]):
    """The comparison; written by the two functions below."""

    type = Boolean()
    inherit_cache = True
    name = "among"


@compiles(_Among, "postgresql")  # type: ignore[no-untyped-call, untyped-decorator, unused-ignore]
def _on_postgresql(element: _Among, compiler: Any, **kw: Any) -> str:
    column, values = element.clauses
    return f"{compiler.process(column, **kw)} = ANY({compiler.process(values, **kw)})"


@compiles(_Among, "sqlite")  # type: ignore[no-untyped-call, untyped-decorator, unused-ignore]
def _on_sqlite(element: _Among, compiler: Any, **kw: Any) -> str:
    column, values = element.clauses
    each = f"SELECT value FROM json_each({compiler.process(values, **kw)})"  # noqa: S608 - a bound parameter
    return f"{compiler.process(column, **kw)} IN ({each})"


def among(column: ColumnElement[Any], values: Collection[Any]) -> ColumnElement[bool]:
    """Is the column's value one of these? For text, integers and times."""
    column = coercions.expect(roles.ExpressionElementRole, column)
    return _Among(column, bindparam(None, list(values), type_=_Values(column.type), unique=True))
