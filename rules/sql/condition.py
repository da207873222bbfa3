"""A condition as the WHERE of a query, and what SQL leaves for the interpreter to decide."""

from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from itertools import islice

from sqlalchemy import ColumnElement, and_, false, not_, or_, true
from sqlalchemy.sql import visitors

from engine.core.facts import Facts
from rules.interpret import InterpretedCondition
from rules.sql.columns import Columns
from rules.sql.compiler import Compiler
from rules.sql.dialects import dialect_of
from rules.sql.values import Inexpressible
from rules.tree import Choice, Logic, Node, Not

MOST_ELEMENTS = 4000
"""How large an expression may be; nested choices name their parts many times."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SqlCondition:
    """What the database is asked, and which of its answers are not final."""

    where: ColumnElement[bool]
    """Holds for every row on which the condition is true, and for as few others as can be said."""
    recheck: ColumnElement[bool] | None
    """Which of those rows the interpreter must judge, never null; None if none of them."""
    residual: str | None
    """What SQL can't say exactly, so that the interpreter judges all of them; None if only numbers may be in doubt."""
    interpreted: InterpretedCondition
    now: datetime

    @property
    def is_exact(self) -> bool:
        """Return whether the database alone answers, but for rows whose numbers it can't hold."""
        return self.residual is None

    def holds(self, facts: Facts) -> bool:
        """Return whether the interpreter finds the condition true."""
        return self.interpreted.evaluate(facts, self.now).result is True


def compile_condition(tree: Node, columns: Columns, dialect: str, now: datetime, zone: tzinfo) -> SqlCondition:
    """Return the checked condition `tree` for the database `dialect` (`postgresql` or `sqlite`), at `now`.

    `columns` says how facts stand in the rows. The rows that `where` finds, less those that the interpreter refuses
    among `recheck`, are those on which the interpreter finds the condition true.
    """
    compiler = Compiler(columns=columns, dialect=dialect_of(dialect), now=now, zone=zone)
    recheck: ColumnElement[bool] | None = None
    residual = None
    try:
        where = _small(compiler.truth(tree))
        if compiler.doubts:
            recheck = _small(or_(false(), *compiler.doubts))
            where = or_(where, recheck)
    except Inexpressible as reason:
        where, recheck, residual = _can_be(tree, compiler, wanted=True), true(), str(reason)
    interpreted = InterpretedCondition(tree=tree, zone=zone)
    return SqlCondition(where=where, recheck=recheck, residual=residual, interpreted=interpreted, now=now)


def _can_be(node: Node, compiler: Compiler, *, wanted: bool) -> ColumnElement[bool]:
    """Return what holds at least wherever `node` is `wanted` (true, or false), and is not null elsewhere by error."""
    attempt = replace(compiler, doubts=[])
    try:
        exact = attempt.truth(node)
        return _small(or_(exact if wanted else not_(exact), *attempt.doubts))
    except Inexpressible:
        pass
    match node:
        case Not(operand=operand):
            return _can_be(operand, compiler, wanted=not wanted)
        case Logic(operator=operator, operands=operands):
            parts = [_can_be(operand, compiler, wanted=wanted) for operand in operands]
            return and_(true(), *parts) if (operator == "and") is wanted else or_(false(), *parts)
        case Choice(condition=condition, yes=yes, no=no):
            chosen = and_(_can_be(condition, compiler, wanted=True), _can_be(yes, compiler, wanted=wanted))
            other = and_(_can_be(condition, compiler, wanted=False), _can_be(no, compiler, wanted=wanted))
            return or_(chosen, other)
        case _:
            return true()


def _small(expression: ColumnElement[bool]) -> ColumnElement[bool]:
    if next(islice(visitors.iterate(expression), MOST_ELEMENTS, None), None) is not None:
        raise Inexpressible("an expression of this size")
    return expression
