"""Arithmetic undone, so that a comparison speaks of the fact itself: `mrr * 12 > 12000` is `mrr > 1000`.

Laws of this module
- For the nearest change alone. Conditions round to 28 digits and this does not, so it is exact for facts of up to 19
  digits, which is what is stored, and for numbers of up to 9 digits beside them; the analysis, which speaks of all
  facts there could be, does without it.
- Where a quotient never ends, the bound is the next amount on the safe side: `mrr * 3 > 1000` holds from 333.34 on.
"""

import decimal
from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from fractions import Fraction
from functools import partial
from typing import NamedTuple

from typing_extensions import override

from engine.core.facts import FactType
from rules.analysis.formulas import Truth
from rules.analysis.lines import opposite
from rules.analysis.lower import OTHERWISE, Lowering
from rules.tree import Arithmetic, Attribute, Fact, Negative, Node
from rules.values import Value

MOST_DIGITS = 9
_EXACT = decimal.Context(prec=60)
_CENT = Decimal("0.01")
_MICROSECONDS = 1_000_000


class Compared(NamedTuple):
    """A part compared with a fixed value."""

    term: Node
    operator: str
    bound: Value


class IsolatingLowering(Lowering):
    """Sketches a tree, with arithmetic undone wherever one fact stands in it beside fixed values."""

    @override
    def _compared(self, term: Node, operator: str, bound: Value) -> Truth:
        yes = self._undone(Compared(term, operator, bound))
        no = self._undone(Compared(term, OTHERWISE[operator], bound))
        if yes is None or no is None:
            return super()._compared(term, operator, bound)
        return Truth(self._sketch(yes).yes, self._sketch(no).yes)

    @override
    def _equals(self, term: Node, wanted: Value, whole: Node) -> Truth:
        found = self._undone(Compared(term, "==", wanted))
        if found is None:
            return super()._equals(term, wanted, whole)
        return self._spread(found.term, partial(self._equals, wanted=found.bound, whole=whole))

    def _sketch(self, found: Compared) -> Truth:
        return self._spread(found.term, partial(self._compared, operator=found.operator, bound=found.bound))

    def _undone(self, asked: Compared) -> Compared | None:
        """Return the same question about what the outermost operation is made of, or None if there is none to undo."""
        if id(asked.term) not in self._varying:
            return None
        match asked.term, asked.bound:
            case Negative(operand=operand), Decimal() as bound:
                return Compared(operand, opposite(asked.operator), -bound)
            case Attribute(name="days" | "total_seconds"), Decimal() as bound:
                return _of_duration(asked, asked.term, bound)
            case Arithmetic() as term, _:
                return self._of_arithmetic(asked, term)
            case _:
                return None

    def _of_arithmetic(self, asked: Compared, term: Arithmetic) -> Compared | None:
        if id(term.right) not in self._varying:
            return _left_alone(term.operator, asked._replace(term=term.left), self._value(term.right))
        if id(term.left) not in self._varying:
            return _right_alone(term.operator, asked._replace(term=term.right), self._value(term.left))
        return None


def _left_alone(sign: str, asked: Compared, fixed: object) -> Compared | None:
    """Return what `term sign fixed operator bound` says of `term`."""
    match sign, fixed, asked.bound:
        case "*", Decimal(), Decimal() as bound:
            return _divided(asked, bound, fixed) if _is_short(fixed) else None
        case "/", Decimal(), Decimal() as bound if _is_short(fixed):
            turned = asked.operator if fixed > 0 else opposite(asked.operator)
            return Compared(asked.term, turned, _EXACT.multiply(bound, fixed)) if fixed else None
        case (("+" | "-"), _, bound):
            moved = _minus(bound, fixed) if sign == "+" else _plus(bound, fixed)
            return None if moved is None else asked._replace(bound=moved)
        case _:
            return None


def _right_alone(sign: str, asked: Compared, fixed: object) -> Compared | None:
    """Return what `fixed sign term operator bound` says of `term`."""
    if sign in ("+", "*"):
        return _left_alone(sign, asked, fixed)
    moved = _minus(fixed, asked.bound) if sign == "-" else None
    return None if moved is None else Compared(asked.term, opposite(asked.operator), moved)


def _divided(asked: Compared, bound: Decimal, by: Decimal) -> Compared | None:
    if not by:
        return None
    operator = asked.operator if by > 0 else opposite(asked.operator)
    quotient = _EXACT.divide(bound, by)
    if Fraction(quotient) * Fraction(by) == Fraction(bound):
        return Compared(asked.term, operator, quotient)
    if operator == "==":
        return None
    step = _CENT
    if isinstance(asked.term, Fact) and asked.term.spec is not None and asked.term.spec.type is FactType.NUMBER:
        step = Decimal(1)
    is_above = operator in (">", ">=")
    safe = quotient.quantize(step, ROUND_CEILING if is_above else ROUND_FLOOR, _EXACT)
    return Compared(asked.term, ">=" if is_above else "<=", safe)


def _of_duration(asked: Compared, term: Attribute, bound: Decimal) -> Compared | None:
    try:
        if term.name == "total_seconds":
            count = bound * _MICROSECONDS
            is_whole = count == count.to_integral_value()
            return Compared(term.target, asked.operator, timedelta(microseconds=int(count))) if is_whole else None
        rounding = {">=": ROUND_CEILING, "<": ROUND_CEILING, ">": ROUND_FLOOR, "<=": ROUND_FLOOR}.get(asked.operator)
        if rounding is None:
            return None
        # Whole days are floored: more than 3 are at least 4, and at most 3 are less than 4.
        days = int(bound.to_integral_value(rounding)) + (rounding == ROUND_FLOOR)
        return Compared(term.target, _WHOLE[asked.operator], timedelta(days=days))
    except OverflowError:
        return None


def _plus(one: object, other: object) -> Value | None:
    match one, other:
        case Decimal(), Decimal() if _is_short(other):
            return _EXACT.add(one, other)
        case (timedelta(), timedelta()) | (datetime(), timedelta()):
            try:
                moved: Value = one + other  # type: ignore[operator]  # the pair above
            except OverflowError:
                return None
            return moved
        case _:
            return None


def _minus(one: object, other: object) -> Value | None:
    match one, other:
        case datetime(), datetime():
            return one - other
        case _, Decimal() | timedelta():
            return _plus(one, -other)
        case _:
            return None


def _is_short(number: Decimal) -> bool:
    return number.is_finite() and len(number.as_tuple().digits) <= MOST_DIGITS and abs(number.adjusted()) <= MOST_DIGITS


_WHOLE: Mapping[str, str] = {">": ">=", ">=": ">=", "<": "<", "<=": "<"}
