"""From the tree of a condition to SQL, node by node, with the answers of the interpreter or not at all.

Laws of this module
- Unknown is null: SQL's own logic is Kleene's, and comparisons with null are null. What differs, `== null`, `??`, the
  branches of a choice, JSON values of another type, is spelled out.
- What hangs on no fact is worked out by the interpreter itself and becomes a bound value.
- What can't be said exactly raises `Inexpressible`; rows that can't be judged exactly are noted as doubts.
- Every value is bound; nothing of a condition becomes part of the SQL text.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    and_,
    case,
    false,
    func,
    not_,
    or_,
    true,
    type_coerce,
)
from sqlalchemy.types import Text

from engine.core.facts import Facts, FactSpec, FactType
from rules.interpret import Evaluation
from rules.sql import instants, numbers, texts
from rules.sql.attributes import attribute
from rules.sql.choices import first_of
from rules.sql.columns import Column, Columns
from rules.sql.dialects import Dialect
from rules.sql.numbers import Numbers
from rules.sql.patterns import pieces
from rules.sql.values import (
    NO_BOOLEAN,
    UNKNOWN,
    Duration,
    Inexpressible,
    Instant,
    Number,
    SqlValue,
    Texts,
    Words,
    any_of,
    fixed_instant,
    if_known,
    of_boolean,
    of_number,
    of_words,
)
from rules.tree import (
    Arithmetic,
    Attribute,
    Call,
    Choice,
    Coalesce,
    Collection,
    Equality,
    Fact,
    Item,
    Literal,
    Logic,
    Match,
    Membership,
    Negative,
    Node,
    Not,
    Ordering,
    is_null,
    walk,
)
from rules.values import Unknown, Value

MONEY_DIGITS = 6


@dataclass(frozen=True, kw_only=True)
class Compiler:
    """Compiles the nodes of one condition; `doubts` gathers the rows that can't be judged exactly."""

    columns: Columns
    dialect: Dialect
    now: datetime
    zone: tzinfo
    doubts: list[ColumnElement[bool]] = field(default_factory=list)

    @property
    def numbers(self) -> Numbers:
        """Return the arithmetic of the database."""
        return Numbers(self.dialect, self.doubts.append)

    def value(self, node: Node) -> SqlValue:
        """Return `node` in SQL; raise Inexpressible if it can't be said exactly."""
        if not any(isinstance(each, Fact) for each in walk(node)):
            return self._fixed(Evaluation(Facts(as_of=self.now), self.now, self.zone).value(node))
        compile_node = _COMPILERS.get(type(node))
        if compile_node is None:
            raise Inexpressible("this")
        return compile_node(self, node)

    def truth(self, node: Node) -> ColumnElement[bool]:
        """Return `node` as a condition's part."""
        return self.value(node).truth

    def _fixed(self, value: Value | Unknown) -> SqlValue:
        match value:
            case Unknown():
                return UNKNOWN
            case bool():
                return SqlValue(known=true(), boolean=true() if value else false())
            case Decimal():
                return of_number(self.numbers.fixed(value))
            case str():
                return SqlValue(known=true(), words=texts.fixed(value))
            case datetime():
                return SqlValue(known=true(), instant=fixed_instant(value))
            case timedelta():
                return SqlValue(known=true(), duration=Duration(fixed=value))
            case _:
                raise Inexpressible("a list or a mapping that is written out")


# facts


def _fact(compiler: Compiler, node: Fact) -> SqlValue:
    assert node.spec is not None
    column = compiler.columns(node.spec)
    if column is None:
        raise Inexpressible(f"`{node.spec.name}`")
    known = column.value.is_not(None) if column.known is None else column.known
    return _of_column(compiler, node.spec, column, known)


def _of_column(compiler: Compiler, spec: FactSpec, column: Column, known: ColumnElement[bool]) -> SqlValue:
    match spec.type:
        case FactType.BOOLEAN:
            return SqlValue(known=known, boolean=column.value)
        case FactType.NUMBER | FactType.MONEY:
            scale = MONEY_DIGITS if spec.type is FactType.MONEY else 0
            value = type_coerce(column.value, BigInteger())
            return of_number(
                Number(known=known, value=value, scale=scale, bound=-numbers.LEAST, at_least=column.at_least)
            )
        case FactType.STRING:
            return SqlValue(known=known, words=Words(value=column.value, is_long=True))
        case FactType.DATETIME:
            return SqlValue(known=known, instant=Instant(value=column.value))
        case FactType.STRINGS:
            return SqlValue(known=known, texts=Texts(value=column.value, contains=column.contains))
        case FactType.MAPPING:
            return SqlValue(known=known, others=True, key=lambda key: _json(compiler, column.value, key))


def _json(compiler: Compiler, document: ColumnElement[Any], key: str) -> SqlValue:
    """Return the value under a key of a JSON object, whatever type it has in each row."""
    dialect = compiler.dialect
    if not dialect.has_key(key):
        raise Inexpressible("an unusual key")
    value = dialect.json_number(document, key)
    doubt = dialect.doubt(value)
    if doubt is not None:
        compiler.doubts.append(doubt)
    return SqlValue(
        known=dialect.json_known(document, key),
        boolean=dialect.json_boolean(document, key),
        number=Number(
            known=value.is_not(None),
            value=value,
            bound=None if dialect.fractions else -numbers.LEAST,
            fractions=dialect.fractions,
        ),
        words=Words(value=dialect.json_text(document, key), is_long=True),
        others=True,
    )


def _item(compiler: Compiler, node: Item) -> SqlValue:
    target = compiler.value(node.target)
    if target.key is None or not isinstance(node.key, Literal) or not isinstance(node.key.value, str):
        raise Inexpressible("an item by its number")
    return target.key(node.key.value)


# logic


def _not(compiler: Compiler, node: Not) -> SqlValue:
    return of_boolean(not_(compiler.truth(node.operand)))


def _logic(compiler: Compiler, node: Logic) -> SqlValue:
    operands = [compiler.truth(operand) for operand in node.operands]
    return of_boolean(and_(*operands) if node.operator == "and" else or_(*operands))


def _coalesce(compiler: Compiler, node: Coalesce) -> SqlValue:
    left, right = compiler.value(node.left), compiler.value(node.right)
    return first_of(compiler.numbers, [(left.known, left), (true(), right)])


def _choice(compiler: Compiler, node: Choice) -> SqlValue:
    condition = compiler.truth(node.condition)
    yes, no = compiler.value(node.yes), compiler.value(node.no)
    return first_of(compiler.numbers, [(condition, yes), (not_(condition), no)])


# comparisons


def _equality(compiler: Compiler, node: Equality) -> SqlValue:
    if is_null(node.left) or is_null(node.right):
        sides = [compiler.value(side).known for side in node.children if not is_null(side)]
        is_missing = and_(true(), *(not_(known) for known in sides))
        return of_boolean(is_missing if node.operator == "==" else not_(is_missing))
    result = _equal(compiler, compiler.value(node.left), compiler.value(node.right))
    return of_boolean(result if node.operator == "==" else not_(result))


def _equal(compiler: Compiler, left: SqlValue, right: SqlValue) -> ColumnElement[bool]:
    """Return whether two values are equal: null if one is unknown, false if they are of different types."""
    if (left.others and right.others) or left.texts is not None or right.texts is not None:
        raise Inexpressible("an equality of lists, mappings or two attributes")
    same = _same_kind(compiler, left, right)
    if len(same) == 1 and _is_single(left) and _is_single(right):
        return same[0]
    return if_known(and_(left.known, right.known), any_of([func.coalesce(each, false()) for each in same]))


def _same_kind(compiler: Compiler, left: SqlValue, right: SqlValue) -> list[ColumnElement[bool]]:
    """Return, for each kind that both can have, whether they are equal in it; null where one is of another kind."""
    same: list[ColumnElement[bool]] = []
    if left.boolean is not None and right.boolean is not None:
        same.append(_same_truth(left.boolean, right.boolean))
    if left.number is not None and right.number is not None:
        same.append(compiler.numbers.compare("==", left.number, right.number))
    if left.words is not None and right.words is not None:
        same.append(texts.equal(left.words, right.words))
    if left.instant is not None and right.instant is not None:
        same.append(instants.compare("==", left.instant, right.instant))
    if left.duration is not None and right.duration is not None:
        same.append(instants.compare_durations("==", left.duration, right.duration))
    return same


def _is_single(value: SqlValue) -> bool:
    kinds = (value.boolean, value.number, value.words, value.instant, value.duration)
    return not value.others and sum(kind is not None for kind in kinds) == 1


def _same_truth(one: ColumnElement[bool], other: ColumnElement[bool]) -> ColumnElement[bool]:
    return case((one, other), (not_(one), not_(other)), else_=NO_BOOLEAN)


def _ordering(compiler: Compiler, node: Ordering) -> SqlValue:
    left, right = compiler.value(node.left), compiler.value(node.right)
    if left.number is not None and right.number is not None:
        return of_boolean(compiler.numbers.compare(node.operator, left.number, right.number))
    if left.instant is not None and right.instant is not None:
        return of_boolean(instants.compare(node.operator, left.instant, right.instant))
    if left.duration is not None and right.duration is not None:
        return of_boolean(instants.compare_durations(node.operator, left.duration, right.duration))
    return UNKNOWN


def _membership(compiler: Compiler, node: Membership) -> SqlValue:
    member = compiler.value(node.left)
    if isinstance(node.right, Collection):
        items = [compiler.value(item) for item in node.right.items]
        among = any_of([_equal(compiler, member, item) for item in items])
        return of_boolean(among if items else if_known(member.known, false()))
    container = compiler.value(node.right)
    if container.words is not None and not container.others and member.words is not None and not member.others:
        return of_boolean(texts.contains(container.words, member.words, compiler.dialect))
    text = None if member.words is None else member.words.literal
    if text is not None and container.texts is not None and container.texts.contains is not None:
        return of_boolean(container.texts.contains(text))
    if text is not None and container.key is not None:
        return of_boolean(if_known(container.known, container.key(text).known))
    raise Inexpressible("`in` of this")


def _match(compiler: Compiler, node: Match) -> SqlValue:
    assert isinstance(node.right, Literal)
    assert isinstance(node.right.value, str)
    found = pieces(node.right.value, anchored=not node.operator.endswith("~~"))
    words = compiler.value(node.left).words
    if words is None:
        return UNKNOWN
    return of_boolean(texts.matches(words, found, compiler.dialect, negated=node.operator.startswith("!")))


# arithmetic


def _arithmetic(compiler: Compiler, node: Arithmetic) -> SqlValue:
    left, right = compiler.value(node.left), compiler.value(node.right)
    if left.others or right.others:
        raise Inexpressible("arithmetic with attributes")
    if left.number is not None and right.number is not None:
        return of_number(compiler.numbers.calculate(node.operator, left.number, right.number))
    if left.words is not None and right.words is not None:
        return of_words(Words(value=texts.seen(left.words).op("||", return_type=Text())(texts.seen(right.words))))
    return _arithmetic_of_time(node.operator, left, right)


def _arithmetic_of_time(operator: str, left: SqlValue, right: SqlValue) -> SqlValue:
    by = right.duration if left.instant is not None else left.duration
    if by is not None and by.fixed is not None:
        instant = left.instant or right.instant
        if instant is not None:
            moved = instants.moved(instant, by.fixed if operator == "+" else -by.fixed)
            return SqlValue(known=func.coalesce(instants.in_range(moved), false()), instant=moved)
    if left.instant is not None and right.instant is not None and operator == "-":
        known = and_(left.known, right.known)
        return SqlValue(known=known, duration=instants.between(left.instant, right.instant))
    raise Inexpressible("arithmetic with times between instants")


def _negative(compiler: Compiler, node: Negative) -> SqlValue:
    number = compiler.value(node.operand).number
    if number is None:
        raise Inexpressible("the negative of a time between instants")
    return of_number(compiler.numbers.negative(number))


def _call(compiler: Compiler, node: Call) -> SqlValue:
    number = compiler.value(node.arguments[0]).number if node.name == "abs" else None
    if number is None:
        raise Inexpressible(f"`${node.name}`")
    return of_number(compiler.numbers.absolute(number))


def _attribute(compiler: Compiler, node: Attribute) -> SqlValue:
    target = compiler.value(node.target)
    part = compiler.value(node.arguments[0]) if node.arguments else None
    return attribute(target, node.name, part, compiler.dialect, compiler.zone)


_COMPILERS: dict[type[Node], Callable[[Compiler, Any], SqlValue]] = {
    Fact: _fact,
    Item: _item,
    Not: _not,
    Logic: _logic,
    Coalesce: _coalesce,
    Choice: _choice,
    Equality: _equality,
    Ordering: _ordering,
    Membership: _membership,
    Match: _match,
    Arithmetic: _arithmetic,
    Negative: _negative,
    Call: _call,
    Attribute: _attribute,
}
