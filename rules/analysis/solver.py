"""Proofs by z3, an optional part: what the search over cells gives up on, and what cells alone don't show.

Never imported on the path of a request. Each variable is what the cells make of it: a known flag and a value for
amounts and instants that are compared with each other, the number of its cell for all others. So a proof here is
about the same three-valued language. Effort is limited by z3's own count of steps, which is the same on every machine.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

import z3

from rules.analysis.formulas import And, Formula, Literal
from rules.analysis.spaces import UNKNOWN_CELL, Line, Space, Variable

MOST_EFFORT = 400_000
"""z3's resource limit for one question."""

_VALUED = (Line.NUMBER, Line.INSTANT, Line.DURATION)
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Z3Prover:
    """Answers questions about one space; satisfies `rules.analysis.ports.Prover`."""

    def __init__(self, space: Space) -> None:
        self._space = space
        self._context = z3.Context()
        self._cells: dict[int, Any] = {}
        self._reals: dict[int, Any] = {}
        self._said: dict[tuple[int, int], Any] = {}
        self._compared = frozenset(
            side.number
            for one in space.variables
            for side in one.sides or ()
            if side.line in _VALUED and one.line is Line.DIFFERENCE
        )
        self._related = [one for one in space.variables if one.sides and one.sides[0].number in self._compared]

    def knows_more(self, variables: Iterable[int]) -> bool:
        """Return whether some of `variables` are compared with others."""
        return any(self._space.variables[number].sides is not None for number in variables)

    def possible(self, parts: Sequence[Formula]) -> bool | None:
        """Return whether all of `parts` can hold, or None if z3 gave up."""
        solver = self._solver()
        for part in parts:
            solver.add(self._formula(part))
        return _answer(solver.check())

    def stack(self) -> "Z3Stack":
        """Return an empty stack of formulas that hold."""
        return Z3Stack(self._solver, self._formula)

    def _solver(self) -> Any:
        solver = z3.SolverFor("QF_LRA", ctx=self._context) if self._related else z3.SimpleSolver(ctx=self._context)
        solver.set("rlimit", MOST_EFFORT)
        for variable in self._related:
            solver.add(self._relation(variable))
        for number in self._compared:
            solver.add(self._position(self._space.variables[number]))
        return solver

    def _formula(self, formula: Formula) -> Any:
        if isinstance(formula, Literal):
            return self._literal(formula.variable, formula.mask)
        parts = [self._formula(part) for part in formula.parts]
        if isinstance(formula, And):
            return z3.And(*parts) if parts else z3.BoolVal(True, ctx=self._context)
        return z3.Or(*parts) if parts else z3.BoolVal(False, ctx=self._context)

    def _literal(self, number: int, mask: int) -> Any:
        """Return that the variable's cell is in `mask`, by bits: each boundary of the line is one question."""
        key = (number, mask)
        if key not in self._said:
            universe = self._space.universes[number]
            runs = [self._between(number, low, high) for low, high in _runs(mask & universe, universe)]
            self._said[key] = z3.Or(*runs) if runs else z3.BoolVal(False, ctx=self._context)
        return self._said[key]

    def _between(self, number: int, low: int, high: int) -> Any:
        cell = self._cell(number)
        return cell == low if low == high else z3.And(cell >= low, cell <= high)

    def _cell(self, number: int) -> Any:
        if number not in self._cells:
            self._cells[number] = z3.Real(f"cell{number}", ctx=self._context)
        return self._cells[number]

    def _relation(self, variable: Variable) -> Any:
        """Return how the cell of a difference hangs together with its sides, where all are known."""
        assert variable.sides is not None
        one, other = (self._real(side) for side in variable.sides)
        parts = [
            z3.Implies(self._between(variable.number, number, number), _inside(one - other, variable, number))
            for number in _numbers(self._space.known[variable.number])
        ]
        is_unknown = self._between(variable.number, 0, 0)
        domain = z3.Or(
            *(self._between(variable.number, n, n) for n in _numbers(self._space.universes[variable.number]))
        )
        lacking = z3.Or(*(self._literal(side.number, UNKNOWN_CELL) for side in variable.sides))
        return z3.And(domain, is_unknown == lacking, *parts)

    def _position(self, variable: Variable) -> Any:
        """Return that the value of a variable lies in its cell."""
        cells = _numbers(self._space.universes[variable.number])
        domain = z3.Or(*(self._between(variable.number, n, n) for n in cells))
        real = self._real(variable)
        return z3.And(
            domain,
            *(z3.Implies(self._between(variable.number, n, n), _inside(real, variable, n)) for n in cells if n),
        )

    def _real(self, variable: Variable) -> Any:
        if variable.number not in self._reals:
            self._reals[variable.number] = z3.Real(f"value{variable.number}", ctx=self._context)
        return self._reals[variable.number]


class Z3Stack:
    """Formulas that hold, one after the other; satisfies `rules.analysis.ports.ProofStack`."""

    def __init__(self, make_solver: Callable[[], Any], encode: Callable[[Formula], Any]) -> None:
        self._make_solver = make_solver
        self._solver = make_solver()
        self._encode = encode
        self._added: list[Any] = []

    def add(self, formula: Formula) -> None:
        """Let `formula` hold from now on."""
        encoded = self._encode(formula)
        self._added.append(encoded)
        self._solver.add(encoded)

    def possible(self, formula: Formula) -> bool | None:
        """Return whether `formula` can hold beside all that was added, or None if z3 gave up."""
        self._solver.push()
        self._solver.add(self._encode(formula))
        answer = _answer(self._solver.check())
        self._solver.pop()
        return answer

    def needed(self, formula: Formula) -> Sequence[int]:
        """Return the places of what was added that `formula`, which can't hold beside all of it, can't hold with."""
        solver = self._make_solver()
        solver.add(self._encode(formula))
        for place, encoded in enumerate(self._added):
            solver.assert_and_track(encoded, f"added{place}")
        if solver.check() != z3.unsat:
            return range(len(self._added))
        return sorted(int(str(name).removeprefix("added")) for name in solver.unsat_core())


def _answer(result: Any) -> bool | None:
    if result == z3.sat:
        return True
    return False if result == z3.unsat else None


def _numbers(mask: int) -> list[int]:
    return [number for number in range(mask.bit_length()) if mask >> number & 1]


def _runs(mask: int, universe: int) -> list[tuple[int, int]]:
    """Return the stretches of cell numbers in `mask`; cells outside the universe may lie in them."""
    runs: list[tuple[int, int]] = []
    is_open = False
    for number in _numbers(universe):
        if not mask >> number & 1:
            is_open = False
        elif is_open:
            runs[-1] = (runs[-1][0], number)
        else:
            runs.append((number, number))
            is_open = True
    return runs


def _inside(real: Any, variable: Variable, cell: int) -> Any:
    stretch = variable.ends(cell)
    context = real.ctx
    if stretch.low_in and stretch.low == stretch.high:
        return real == _exact(stretch.low, context)
    parts = []
    if stretch.low is not None:
        parts.append(real > _exact(stretch.low, context))
    if stretch.high is not None:
        parts.append(real < _exact(stretch.high, context))
    return z3.And(*parts) if parts else z3.BoolVal(True, ctx=context)


def _exact(value: Any, context: Any) -> Any:
    """Return a place on a line as an exact number; instants and spans in microseconds."""
    if isinstance(value, datetime):
        value = (value - _EPOCH) // _MICROSECOND
    elif isinstance(value, timedelta):
        value //= _MICROSECOND
    exact = Fraction(value)
    return z3.Q(exact.numerator, exact.denominator, ctx=context)
