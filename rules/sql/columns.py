"""How facts stand in a table, told to the compiler by whoever owns the table."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement

from engine.core.facts import FactSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A fact as an expression over one row: its value, null exactly where the fact has none.

    Numbers are 64-bit integers, money 64-bit integers of millionths, instants are `UtcDateTime`, texts compare by code
    point, lists are JSON arrays and mappings JSON objects.
    """

    value: ColumnElement[Any]
    known: ColumnElement[bool] | None = None
    """Whether there is a value, where that is cheaper to ask than `value IS NOT NULL`."""
    at_least: Callable[[int], ColumnElement[bool]] | None = None
    """Of a whole number: whether it is at least that much, where that is cheaper to ask than the number; null if it has
    no value."""
    contains: Callable[[str], ColumnElement[bool]] | None = None
    """Of a list: whether it holds that text; null if it has no value."""


Columns = Callable[[FactSpec], Column | None]
"""Gives the column of a fact; None for a fact that no expression has."""
