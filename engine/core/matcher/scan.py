"""The scan: a few rules judged one after the other by one function of Python without a loop, written by us.

Asking an index costs as much as its columns, which for ten rules is more than asking the rules; and where rules stop
the check, the first that matches ends it. So the first rules are written out as nested `if`s: a fact that opens a
clause is read once for all that follow, tests are made where they stand. Literals and names of facts are put into the
compiled function as its constants, where they cost least, after its text was compiled with numbered marks in their
place; so no text of a rule gets in.

The scan knows true and false only. At the first value that is unknown, or not of its fact's usual type, it gives up
(a missing one raises `KeyError`) and the index is asked; that is early, so it costs little. Skipping a test behind a
false one is Kleene's `and`.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from types import CodeType
from typing import Any

from engine.core.facts import FactType
from engine.core.matcher.clauses import DISCRETE, FOUND_IN, ORDERED, Clause, Column, Form, Kind, Literal, Values
from engine.core.matcher.columns import LONGEST_TEXT, items_of, truth_of
from engine.core.matcher.predicates import Among, Finds, Line, Test
from engine.core.matcher.texts import found_in

GIVEN_UP = -1
"""What a scan returns when the index must be asked."""

Scan = Callable[[Values, datetime], int]
"""From facts to the set of the rules that are true, down to the first that stops, or `GIVEN_UP`.

It raises for a fact without a value, and for whatever else it does not know.
"""

_RANKS = {Kind.WORD: 0, Kind.NUMBER: 1, Kind.INSTANT: 1, Kind.FLAG: 2, Kind.ITEMS: 3, Kind.TEXT: 4}
"""Tests of one clause are made in this order: what is cheap and rarely true comes first."""
_BY_HAND = 5
"""The rank of a test that is left to `truth_of`."""
_TWO = 2


def scan_of(forms: Sequence[Form], asked: int, stops: int) -> Scan:
    """Return the scan of `forms`, whose places are their numbers; `asked` and `stops` are sets of them."""
    writer = _Writer(forms)
    for number, form in enumerate(forms):
        if asked >> number & 1:
            for clause in form.clauses:
                writer.clause(clause, number, is_last=bool(stops >> number & 1))
    return writer.written()


class _Writer:
    """Writes the function line by line."""

    def __init__(self, forms: Sequence[Form]) -> None:
        self._types = {name: type_ for form in forms for name, type_ in form.facts.items()}
        tests = [one for form in forms for clause in form.clauses for one in clause]
        self._searched = {one.column.source.key for one in tests if one.column.kind is Kind.TEXT}
        self._lines: list[str] = []
        self._bound: dict[str, Any] = {
            "Decimal": Decimal, "datetime": datetime, "items_of": items_of, "truth_of": truth_of, "found_in": found_in
        }  # fmt: skip
        self._marks: dict[tuple[type, Any], str] = {}
        self._constants: dict[str, Any] = {}
        """What stands for each mark in the text."""
        self._read: dict[tuple[str, str], str] = {}
        """The local names of what was read so far, by source and how it is seen."""

    def clause(self, clause: Clause, number: int, *, is_last: bool) -> None:
        """Write the tests of one clause of the rule `number`, one inside the other."""
        depth = 1
        before = dict(self._read)
        for place, one in enumerate(sorted(clause, key=self._order)):
            condition = self._condition(one, depth)
            self._line(depth, f"if {condition}:")
            if place == 0:
                before = dict(self._read)
            depth += 1
        self._line(depth, f"found |= {1 << number}")
        if is_last:
            self._line(depth, "return found")
        self._read = before  # what was read further inside may not have been read at all

    def written(self) -> Scan:
        """Return the function."""
        lines = ["def scan(values, now):", " found = 0", *self._lines, " return found"]
        code = _with_constants(compile("\n".join(lines), "<scan>", "exec"), self._constants)
        exec(code, self._bound)  # noqa: S102  # our own text; see the header
        scan: Scan = self._bound.pop("scan")  # or it would hold itself
        return scan

    def _order(self, one: Literal) -> tuple[int, bool, bool]:
        """Return what tests are sorted by: how much they cost, then whether their value must be read first."""
        key = one.column.source.key
        is_read = any((key, seen) in self._read for seen in ("plain", Kind.ITEMS.value, "any"))
        return _rank(one), not is_read, self._types.get(key) is FactType.MONEY

    def _line(self, depth: int, text: str) -> None:
        self._lines.append(" " * depth + text)

    def _constant(self, value: Any) -> str:
        key = (type(value), value if not isinstance(value, Decimal) else str(value))
        mark = self._marks.setdefault(key, f"constant {len(self._marks)}")
        self._constants[mark] = value
        return repr(mark)

    def _condition(self, one: Literal, depth: int) -> str:
        column, test = one
        value = self._value(column, depth)
        if _rank(one) == _BY_HAND:
            return self._by_hand(column, test, value, depth)
        if isinstance(test, Line):
            return self._on_line(test, value, is_int=self._types.get(column.source.key) is FactType.NUMBER)
        if isinstance(test, Among):
            return self._among(test, value, is_flag=column.kind is Kind.FLAG)
        return self._finds(test, value, column.kind)

    def _by_hand(self, column: Column, test: Test, value: str, depth: int) -> str:
        truth = f"t{depth}"
        self._line(depth, f"{truth} = truth_of({self._bind(column)}, {self._bind(test)}, {value})")
        self._line(depth, f"if {truth}.__class__ is not bool: return {GIVEN_UP}")
        return truth

    def _bind(self, value: Any) -> str:
        name = f"b{len(self._bound)}"
        self._bound[name] = value
        return name

    def _value(self, column: Column, depth: int) -> str:
        """Return the local name of a column's value, read before if need be."""
        source = column.source
        is_plain = source.is_fact and not column.is_open
        seen = column.kind.value if is_plain and column.kind is Kind.ITEMS else "plain" if is_plain else "any"
        known = self._read.get((source.key, seen))
        if known is not None:
            return known
        name = f"v{depth}_{len(self._lines)}"
        if is_plain:
            self._line(depth, f"{name} = values[{self._constant(source.key)}]")
            self._guard(column, name, depth)
        else:
            self._line(depth, f"{name} = {self._bind(source.read)}(values, now)")
        self._read[source.key, seen] = name
        return name

    def _guard(self, column: Column, name: str, depth: int) -> None:
        """Write what gives up on a value that is unknown or of another type."""
        give_up = f"return {GIVEN_UP}"
        number = f"if {name}.__class__ is not Decimal or not {name}.is_finite():"
        whole = f"if {name}.__class__ is not int:"
        match column.kind:
            case Kind.NUMBER:
                is_int = self._types.get(column.source.key) is FactType.NUMBER
                self._line(depth, whole if is_int else number)
                self._line(depth + 1, f"{number if is_int else whole} {give_up}")
            case Kind.INSTANT:
                self._line(depth, f"if {name}.__class__ is not datetime or {name}.tzinfo is None: {give_up}")
            case Kind.FLAG:
                self._line(depth, f"if {name}.__class__ is not bool: {give_up}")
            case Kind.ITEMS:
                # Joining raises for what is no text, and none of short ones needs to be cut.
                self._line(depth, f'if {name}.__class__ is not tuple or len("".join({name})) > {LONGEST_TEXT}:')
                self._line(depth + 1, f"{name} = items_of({name})")
                self._line(depth + 1, f"if {name} is None: {give_up}")
            case _:
                long = f" or len({name}) > {LONGEST_TEXT}" if column.source.key in self._searched else ""
                self._line(depth, f"if {name}.__class__ is not str{long}: {give_up}")

    def _on_line(self, test: Line, value: str, *, is_int: bool) -> str:
        points = [self._constant(_as_int(point) if is_int else point) for point, _ in test.cuts]
        if len(points) == 1:
            return f"{value} {_SIGNS[test.start, test.cuts[0][1]]} {points[0]}"
        if len(points) == _TWO and not test.start:
            (low, after_low), (high, after_high) = test.cuts
            if low == high:
                return f"{value} == {points[0]}"
            below, above = "<" if after_low else "<=", "<=" if after_high else "<"
            return f"{points[0]} {below} {value} {above} {points[1]}"
        return f"{self._bind(test.holds)}({value})"

    def _among(self, test: Among, value: str, *, is_flag: bool) -> str:
        if is_flag:
            on, off = test.holds(True), test.holds(False)
            return str(on) if on is off else value if on else f"not {value}"
        if len(test.values) == 1:
            (only,) = test.values
            return f"{value} {'!=' if test.others else '=='} {self._constant(only)}"
        return f"{value} {'not in' if test.others else 'in'} {self._bind(test.values)}"

    def _finds(self, test: Finds, value: str, kind: Kind) -> str:
        if kind is Kind.ITEMS:
            parts = [f"{self._constant(atom)} in {value}" for atom in sorted(test.atoms)]
        else:
            parts = [self._finds_one(atom, value) for atom in sorted(test.atoms)]
        joined = " or ".join(parts) or "False"
        return f"({joined})" if test.found else f"not ({joined})"

    def _finds_one(self, atom: Any, value: str) -> str:
        match atom.kind:
            case "prefix":
                return f"{value}.startswith({self._constant(atom.text)})"
            case "suffix":
                return f"{value}.endswith({self._constant(atom.text)})"
            case "contains":
                return f"{self._constant(atom.text)} in {value}"
            case _:
                return f"found_in({self._bind(atom)}, {value})"


def _with_constants(code: CodeType, constants: Mapping[str, Any]) -> CodeType:
    """Return compiled code with each mark among its constants replaced by what it stands for."""

    def replaced(one: Any) -> Any:
        if isinstance(one, CodeType):
            return _with_constants(one, constants)
        return constants.get(one, one) if isinstance(one, str) else one

    return code.replace(co_consts=tuple(map(replaced, code.co_consts)))


_SIGNS = {(False, True): ">", (False, False): ">=", (True, True): "<=", (True, False): "<"}


def _rank(one: Literal) -> int:
    column = one.column
    if not column.source.is_fact or column.is_open or column.kind not in ORDERED | DISCRETE | FOUND_IN:
        return _BY_HAND
    return _RANKS.get(column.kind, _BY_HAND)


def _as_int(point: Any) -> Any:
    """Return a whole number as an `int`, which is what such facts are."""
    is_whole = isinstance(point, Decimal) and abs(point.adjusted()) <= LONGEST_NUMBER
    return int(point) if is_whole and point == point.to_integral_value() else point


LONGEST_NUMBER = 30
"""No literal has more digits."""
