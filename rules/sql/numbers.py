"""Numbers in SQL: whole numbers with a fixed scale, compared and calculated exactly.

Literals have any number of digits: a threshold between two stored numbers becomes the next one, one out of reach a
constant. Sums, differences and products are calculated where the result has at most the 28 digits that conditions keep.
"""

import decimal
from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Numeric, case, false, literal, not_, null, true

from rules.sql.dialects import Dialect
from rules.sql.values import APPLY, MIRRORED, NEGATED, Inexpressible, Number, constant, if_known

LEAST, MOST = -(2**63), 2**63 - 1
MAX_DIGITS = 28
_EXACT = decimal.Context(prec=200)


def stored(value: ColumnElement[Any], scale: int) -> Number:
    """Return a stored 64-bit number."""
    return Number(known=value.is_not(None), value=value, scale=scale, bound=-LEAST)


@dataclass(frozen=True, slots=True)
class Numbers:
    """Comparisons and arithmetic for one database; `doubts` takes note of rows whose numbers are not exact."""

    dialect: Dialect
    doubts: Callable[[ColumnElement[bool]], None]

    def fixed(self, number: Decimal) -> Number:
        """Return a number that is the same for every row."""
        exponent = number.as_tuple().exponent
        assert isinstance(exponent, int)
        scale = max(0, -exponent)
        whole = int(Fraction(number) * 10**scale)
        value = self._bind(whole) if self._is_in_reach(whole) else None
        return Number(known=true(), value=value, scale=scale, bound=abs(whole), fixed=number)

    def compare(self, operator: str, left: Number, right: Number) -> ColumnElement[bool]:
        """Return `left operator right` for a comparison or an equality, null where one of them is."""
        if right.fixed is not None:
            return self._against(operator, left, right.fixed)
        if left.fixed is not None:
            return self._against(MIRRORED[operator], right, left.fixed)
        return APPLY[operator](*self._same_scale(left, right))

    def calculate(self, operator: str, left: Number, right: Number) -> Number:
        """Return `left operator right` for `+`, `-` and `*`; raise Inexpressible if it may have too many digits."""
        one_bound, other_bound = _bound(left), _bound(right)
        wide = self.dialect.wide
        if operator == "*":
            scale, bound = left.scale + right.scale, one_bound * other_bound
            value = wide(_value(left)) * wide(_value(right))
        elif operator in ("+", "-"):
            scale = max(left.scale, right.scale)
            bound = one_bound * 10 ** (scale - left.scale) + other_bound * 10 ** (scale - right.scale)
            one, other = (wide(each) for each in self._same_scale(left, right))
            value = one + other if operator == "+" else one - other
        else:
            raise Inexpressible(f"`{operator}`")
        return self._calculated(value, scale, bound)

    def negative(self, number: Number) -> Number:
        """Return `-number`."""
        return self._calculated(-self.dialect.wide(_value(number)), number.scale, _bound(number))

    def absolute(self, number: Number) -> Number:
        """Return the number without its sign."""
        value = self.dialect.wide(_value(number))
        return self._calculated(case((value < 0, -value), else_=value), number.scale, _bound(number))

    def first_of(self, choices: list[tuple[ColumnElement[bool], Number | None]]) -> Number | None:
        """Return the number beside the first condition that is true; None if no choice is a number."""
        there = [number for _, number in choices if number is not None]
        if not there:
            return None
        scale = max(number.scale for number in there)
        bounds = [number.bound for number in there]
        scaled = [None if number.bound is None else number.bound * 10 ** (scale - number.scale) for number in there]
        values = [
            (condition, null() if number is None else self._scaled(number, scale)) for condition, number in choices
        ]
        value = case(*values)
        bound = None if None in bounds else max(each for each in scaled if each is not None)
        made = Number(known=value.is_not(None), value=value, scale=scale, bound=bound)
        self._note(made)
        return replace(made, fractions=any(number.fractions for number in there))

    def _calculated(self, value: ColumnElement[Any], scale: int, bound: int) -> Number:
        if bound >= 10**MAX_DIGITS:
            raise Inexpressible(f"a number that may have more than {MAX_DIGITS} digits")
        made = Number(known=value.is_not(None), value=value, scale=scale, bound=bound)
        self._note(made)
        return made

    def _note(self, number: Number) -> None:
        doubt = None if number.bound is not None and number.bound <= MOST else self.dialect.doubt(_value(number))
        if doubt is not None:
            self.doubts(doubt)

    def _against(self, operator: str, number: Number, threshold: Decimal) -> ColumnElement[bool]:
        if number.fractions:
            shifted = threshold.scaleb(number.scale, _EXACT)
            return APPLY[operator](_value(number), literal(shifted, Numeric()))
        if operator in NEGATED:
            return not_(self._against(NEGATED[operator], number, threshold))
        exact = Fraction(threshold) * 10**number.scale
        floor, is_whole = exact.numerator // exact.denominator, exact.denominator == 1
        if operator == "==":
            return self._equals(number, floor) if is_whole else if_known(number.known, false())
        return self._at_least(number, floor if is_whole and operator == ">=" else floor + 1)

    def _equals(self, number: Number, whole: int) -> ColumnElement[bool]:
        if not self._may_reach(number, whole):
            return if_known(number.known, false())
        if number.at_least is not None:
            return number.at_least(whole) & not_(number.at_least(whole + 1))
        return APPLY["=="](_value(number), self._bind(whole))

    def _at_least(self, number: Number, whole: int) -> ColumnElement[bool]:
        if not self._may_reach(number, whole):
            return if_known(number.known, constant(is_true=whole < 0))
        if number.at_least is not None:
            return number.at_least(whole)
        return APPLY[">="](_value(number), self._bind(whole))

    def _may_reach(self, number: Number, whole: int) -> bool:
        """Return whether the number can be as large as that; in SQLite, one that leaves 64 bits is in doubt anyway."""
        is_in_bound = number.bound is None or abs(whole) <= number.bound
        return is_in_bound and (number.at_least is not None or self._is_in_reach(whole))

    def _is_in_reach(self, whole: int) -> bool:
        return LEAST <= whole <= MOST or self.dialect.fractions

    def _bind(self, whole: int) -> ColumnElement[Any]:
        if LEAST <= whole <= MOST:
            return literal(whole, BigInteger())
        if not self.dialect.fractions:
            raise Inexpressible("a number beyond 64 bits")
        return literal(Decimal(whole), Numeric())

    def _same_scale(self, left: Number, right: Number) -> tuple[ColumnElement[Any], ColumnElement[Any]]:
        scale = max(left.scale, right.scale)
        return self._scaled(left, scale), self._scaled(right, scale)

    def _scaled(self, number: Number, scale: int) -> ColumnElement[Any]:
        if scale == number.scale:
            return _value(number)
        factor = 10 ** (scale - number.scale)
        value = self.dialect.wide(_value(number)) * self._bind(factor)
        bound = None if number.bound is None else number.bound * factor
        self._note(replace(number, value=value, bound=bound))
        return value


def _value(number: Number) -> ColumnElement[Any]:
    if number.value is None:
        raise Inexpressible("arithmetic with what is only counted or too large")
    return number.value


def _bound(number: Number) -> int:
    if number.bound is None:
        raise Inexpressible("arithmetic with attributes")
    return number.bound
