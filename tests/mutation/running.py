"""Running the tests against mutants, one after the other in one process that has everything imported and collected.

Theory. A first run notes which functions each test reaches and how long it takes. For each mutant the function gets its
changed code in place, so that everybody who holds the function has it, and the tests that reach it are called: those
that killed a neighbour first, then the quickest. They are called as the plain functions they are, without fixtures, so
generated tests are left out. One that spends far more processor time than any does is caught in a loop, and kills.
"""

import signal
import sys
import types
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from time import process_time
from types import CodeType, FrameType

import pytest

from tests.mutation.mutants import TOP, Mutant

PATIENCE = 5.0
"""Seconds of processor time that no test takes."""
FIRST, AGREEMENT = "test_agrees_with_the_reference[0]", "test_agrees_with_the_reference"
"""The comparison with the reference kills most, so it comes first; its answers are there after the first run."""
LEFT_OUT = frozenset(f"[{block}]" for block in range(8, 40))
"""Blocks of that comparison: two hundred customers will do."""
DERIVATION = str(Path("stripe_sync") / "derive")

Place = tuple[str, str]
"""A file and the qualified name of a function in it."""


class Mutating:
    """A plugin of pytest that runs the collected tests once, and then against every mutant."""

    def __init__(self, mutants: Sequence[Mutant], tell: Callable[[Mutant, bool], None]) -> None:
        self.mutants = mutants
        self.tell = tell
        self.failed: list[str] = []
        """Tests that fail without any mutant."""
        self._reach: dict[Place, list[pytest.Function]] = defaultdict(list)
        self._names: dict[Place, set[str]] = defaultdict(set)
        self._seconds: dict[str, float] = {}
        self._killers: dict[Place, list[str]] = defaultdict(list)

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Leave out what needs fixtures, generates its own cases, or repeats what others do."""
        items[:] = [item for item in items if isinstance(item, pytest.Function) and _is_plain(item)]

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Run the tests, then the mutants."""
        signal.signal(signal.SIGVTALRM, _give_up)
        for item in session.items:
            assert isinstance(item, pytest.Function)
            started = process_time()
            with _reached(self._names) as places:
                is_fine = _passes(item)
            self._seconds[item.nodeid] = process_time() - started
            if not is_fine:
                self.failed.append(item.nodeid)
            for place in places:
                self._reach[place].append(item)
        for mutant in () if self.failed else self.mutants:
            self.tell(mutant, self._is_killed(mutant))
        return True

    def _reaching(self, mutant: Mutant) -> list[pytest.Function]:
        """Return the tests that reach the changed function, or one in which the changed constant or class is named."""
        if mutant.function != TOP:
            return self._reach[str(mutant.path), mutant.function]
        places = [place for place in self._reach if mutant.name in self._names[place]]
        return list({item.nodeid: item for place in places for item in self._reach[place]}.values())

    def _is_killed(self, mutant: Mutant) -> bool:
        killers = self._killers[str(mutant.path), mutant.function + mutant.name]
        ordered = sorted(
            self._reaching(mutant),
            key=lambda item: (item.nodeid not in killers, FIRST not in item.nodeid, self._seconds[item.nodeid]),
        )
        try:
            with _applied(mutant):
                killer = next((item for item in ordered if not _passes(item)), None)
        except MakingError:
            return True
        if killer is not None:
            killers[:] = [killer.nodeid, *killers[:4]]
        return killer is not None


class TooLongError(BaseException):
    """A test goes on and on."""


class MakingError(Exception):
    """The changed module can't even be made."""


def _give_up(_signal: int, _frame: FrameType | None) -> None:
    raise TooLongError


def _is_plain(item: pytest.Function) -> bool:
    if hasattr(item.obj, "is_hypothesis_test") or item.nodeid.partition(AGREEMENT)[2] in LEFT_OUT:
        return False
    return set(item.fixturenames) <= set(_arguments(item)) and not list(item.iter_markers("skipif"))


def _arguments(item: pytest.Function) -> dict[str, object]:
    return dict(item.callspec.params) if hasattr(item, "callspec") else {}


def _passes(item: pytest.Function) -> bool:
    signal.setitimer(signal.ITIMER_VIRTUAL, PATIENCE)
    try:
        item.obj(**_arguments(item))
    except (Exception, TooLongError, pytest.fail.Exception):  # noqa: BLE001 - whatever fails, kills
        return False
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    return True


@contextmanager
def _applied(mutant: Mutant) -> Iterator[None]:
    """Give the function its changed code, or the constant its changed value, and take it back afterwards."""
    module = next(each for each in list(sys.modules.values()) if getattr(each, "__file__", None) == str(mutant.path))
    if mutant.function != TOP:
        function, forget = _function(module, mutant.function)
        before, function.__code__ = function.__code__, _code_of(mutant.compiled(), mutant.function)
        forget()
        try:
            yield
        finally:
            function.__code__ = before
            forget()
        return
    old, new = getattr(module, mutant.name), getattr(_made(module, mutant), mutant.name)
    _exchange(mutant.name, old, new)
    try:
        yield
    finally:
        _exchange(mutant.name, new, old)


def _made(module: types.ModuleType, mutant: Mutant) -> types.ModuleType:
    """Return the changed module, made anew beside the one that is used."""
    made = types.ModuleType(module.__name__)
    made.__file__ = module.__file__
    sys.modules[module.__name__] = made  # dataclasses look up their own module
    try:
        exec(mutant.compiled(), vars(made))
    except Exception as error:
        raise MakingError from error
    finally:
        sys.modules[module.__name__] = module
    return made


def _exchange(name: str, old: object, new: object) -> None:
    """Put one object in the place of another, wherever modules have it under this name.

    What functions of the derivation remember was found with the old one, and is forgotten.
    """
    for each in list(sys.modules.values()):
        if each.__name__.startswith(("stripe_sync.", "tests.")) and vars(each).get(name) is old:
            setattr(each, name, new)
        if each.__name__.startswith("stripe_sync.derive"):
            for found in list(vars(each).values()):
                getattr(found, "cache_clear", _nothing)()


def _function(module: types.ModuleType, qualified: str) -> tuple[types.FunctionType, Callable[[], None]]:
    """Return a function, and what makes it forget the answers it remembers."""
    found: object = module
    for name in qualified.split("."):
        found = vars(found)[name]
    forget = getattr(found, "cache_clear", _nothing)
    if isinstance(found, property):
        found = found.fget
    elif isinstance(found, cached_property):
        found = found.func
    else:
        found = getattr(found, "__wrapped__", found)
    assert isinstance(found, types.FunctionType)
    return found, forget


def _nothing() -> None:
    """Forget nothing: the function remembers no answers."""


def _code_of(module: CodeType, qualified: str) -> CodeType:
    inside = [constant for constant in module.co_consts if isinstance(constant, CodeType)]
    for code in inside:
        if code.co_qualname == qualified:
            return code
    return next(
        constant
        for code in inside
        for constant in code.co_consts
        if isinstance(constant, CodeType) and constant.co_qualname == qualified
    )


@contextmanager
def _reached(names: dict[Place, set[str]]) -> Iterator[set[Place]]:
    """Collect the derivation's functions that are called meanwhile, and what they name."""
    places: set[Place] = set()
    seen: set[CodeType] = set()

    def note(frame: FrameType, _event: str, _: object) -> None:
        code = frame.f_code
        if code not in seen:
            seen.add(code)
            if DERIVATION in code.co_filename:
                place = (code.co_filename, code.co_qualname.split(".<locals>")[0])
                places.add(place)
                names[place].update(code.co_names)

    sys.settrace(note)  # it is told of calls only, as it asks for no lines
    try:
        yield places
    finally:
        sys.settrace(None)


def modules_of(arguments: Sequence[str], root: Path) -> list[Path]:
    """Return the files to change: those named, else all of the derivation."""
    named = [Path(argument).resolve() for argument in arguments]
    return named or sorted((root / "stripe_sync" / "derive").glob("*.py"))
