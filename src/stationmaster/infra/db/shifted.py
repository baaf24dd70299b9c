"""A column's time, some seconds earlier or later, for windows around each row's own time."""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Float, bindparam
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql import coercions, roles
from sqlalchemy.sql.functions import FunctionElement

from stationmaster.infra.db.metadata import UtcTime


class _Shifted(FunctionElement[datetime]):
    """The sum; written by the two functions below."""

    type = UtcTime()
    inherit_cache = True
    name = "shifted"


@compiles(_Shifted, "postgresql")  # type: ignore[no-untyped-call, untyped-decorator, unused-ignore]
def _on_postgresql(element: _Shifted, compiler: Any, **kw: Any) -> str:
    column, seconds = element.clauses
    return f"({compiler.process(column, **kw)} + make_interval(secs => {compiler.process(seconds, **kw)}))"


@compiles(_Shifted, "sqlite")  # type: ignore[no-untyped-call, untyped-decorator, unused-ignore]
def _on_sqlite(element: _Shifted, compiler: Any, **kw: Any) -> str:
    """Written as UtcTime writes it, so that it compares as text; exact to the millisecond."""
    column, seconds = (compiler.process(clause, **kw) for clause in element.clauses)
    return f"(strftime('%Y-%m-%dT%H:%M:%f', {column}, {seconds} || ' seconds') || '000+00:00')"


def shifted(column: ColumnElement[Any], seconds: float) -> ColumnElement[datetime]:
    """The time ``seconds`` after the column's; before it, when negative."""
    column = coercions.expect(roles.ExpressionElementRole, column)
    return _Shifted(column, bindparam(None, float(seconds), type_=Float(), unique=True))
