"""Frozen dataclasses and rows with the same names: how one becomes the other."""

from collections.abc import Sequence
from dataclasses import fields
from typing import Any, TypeVar

from sqlalchemy import Column, Table

T = TypeVar("T")


def columns_of(value_type: type[Any], table: Table) -> list[Column[Any]]:
    """The columns that a value needs, in the order of its fields."""
    return [table.c[field.name] for field in fields(value_type)]


def value_of(value_type: type[T], row: Sequence[Any]) -> T:
    """The value of a row that was selected with ``columns_of``."""
    return value_type(*row)


def row_of(value: Any) -> dict[str, Any]:
    """The row of a value, for inserts and updates. Shallow on purpose."""
    return {field.name: getattr(value, field.name) for field in fields(value)}
