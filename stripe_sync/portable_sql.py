"""Expressions that PostgreSQL and SQLite spell differently."""

from typing import Any

from sqlalchemy import JSON, BigInteger
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement


class Epoch(FunctionElement[int]):
    """Whole seconds since 1970 of an instant."""

    type = BigInteger()
    inherit_cache = True
    name = "epoch"


class JsonRow(FunctionElement[Any]):
    """Values as one JSON array, so that a subquery gives several at once."""

    type = JSON()
    inherit_cache = True
    name = "json_row"


@compiles(Epoch, "postgresql")
def _epoch_postgresql(element: Epoch, compiler: SQLCompiler, **kwargs: Any) -> str:
    return f"CAST(EXTRACT(EPOCH FROM {arguments(element, compiler, kwargs)}) AS BIGINT)"


@compiles(Epoch, "sqlite")
def _epoch_sqlite(element: Epoch, compiler: SQLCompiler, **kwargs: Any) -> str:
    return f"CAST(strftime('%s', {arguments(element, compiler, kwargs)}) AS INTEGER)"


@compiles(JsonRow, "postgresql")
def _json_row_postgresql(element: JsonRow, compiler: SQLCompiler, **kwargs: Any) -> str:
    return f"json_build_array({arguments(element, compiler, kwargs)})"


@compiles(JsonRow, "sqlite")
def _json_row_sqlite(element: JsonRow, compiler: SQLCompiler, **kwargs: Any) -> str:
    return f"json_array({arguments(element, compiler, kwargs)})"


def arguments(element: FunctionElement[Any], compiler: SQLCompiler, kwargs: dict[str, Any]) -> str:
    """Return the compiled arguments of an expression."""
    return ", ".join(compiler.process(clause, **kwargs) for clause in element.clauses)
