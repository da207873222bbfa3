"""Conditions as SQL: which of a million people match, asked of PostgreSQL or SQLite in one query."""

from rules.sql.columns import Column, Columns
from rules.sql.condition import SqlCondition, compile_condition
from rules.sql.selection import Selected, Source, TooSlowError, count, matching, select_page

__all__ = [
    "Column",
    "Columns",
    "Selected",
    "Source",
    "SqlCondition",
    "TooSlowError",
    "compile_condition",
    "count",
    "matching",
    "select_page",
]
