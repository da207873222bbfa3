"""Running the tests against mutants, each in a forked copy of one process.

Theory. Everything is imported and collected once. A first run notes which functions each test reaches and how long it
takes. For each mutant a child is forked, which gives the function its changed code in place (so that everybody who
holds the function has it) and runs the tests that reach it, those that killed a neighbour first, then the quickest. A
child that spends far more processor time than all its tests need is caught in a loop, and counts as killed.
"""

import gc
import os
import signal
import sys
import types
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from time import process_time
from types import CodeType, FrameType

import hypothesis
import pytest
from _pytest.runner import runtestprotocol

from tests.mutation.mutants import TOP, Mutant

PATIENCE = 20.0
"""Seconds of processor time beyond what a child's tests take."""
SLOW = 1.0
"""Seconds of processor time from which on a test is too slow to be run a thousand times."""
FIRST, QUICK_ALL_THE_SAME = "test_agrees_with_the_reference[0]", "test_agrees_with_the_reference"
"""The comparison with the reference kills most, so it comes first; its answers are there after the first run."""
LEFT_OUT = frozenset(f"[{block}]" for block in range(12, 40))
DERIVATION = str(Path("stripe_sync") / "derive")
SURVIVED, KILLED = 0, 1

Place = tuple[str, str]
"""A file and the qualified name of a function in it."""


class Mutating:
    """A plugin of pytest that runs the collected tests once, and then against every mutant."""

    def __init__(self, mutants: Sequence[Mutant], tell: Callable[[Mutant, bool], None]) -> None:
        self.mutants = mutants
        self.tell = tell
        self.failed: list[str] = []
        """Tests that fail without any mutant."""
        self._reach: dict[Place, list[pytest.Item]] = defaultdict(list)
        self._names: dict[Place, set[str]] = defaultdict(set)
        self._seconds: dict[str, float] = {}
        self._killers: dict[Place, list[str]] = defaultdict(list)

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Leave out most of the comparison with the reference: three hundred customers will do."""
        items[:] = [item for item in items if item.nodeid.partition(QUICK_ALL_THE_SAME)[2] not in LEFT_OUT]

    def pytest_collection(self) -> None:
        """Have the same examples each time, kept nowhere; what fails need not be made small."""
        phases = [hypothesis.Phase.explicit, hypothesis.Phase.generate]
        hypothesis.settings.register_profile(
            "mutation",
            derandomize=True,
            database=None,
            phases=phases,
            deadline=None,
            suppress_health_check=list(hypothesis.HealthCheck),
        )
        hypothesis.settings.load_profile("mutation")

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Run the tests, then the mutants."""
        for item in session.items:
            started = process_time()
            with _reached(self._names) as places:
                is_fine = _passes(item)
            self._seconds[item.nodeid] = process_time() - started
            if not is_fine:
                self.failed.append(item.nodeid)
            for place in places:
                self._reach[place].append(item)
        if self.failed:
            return True
        gc.collect()
        gc.freeze()  # what is there already is not looked at again, so that children need no copies of it
        for mutant in self.mutants:
            self.tell(mutant, self._is_killed(mutant))
        return True

    def _reaching(self, name: str) -> list[pytest.Item]:
        """Return the tests that reach a function in which a constant or class is named."""
        places = [place for place in self._reach if name in self._names[place]]
        items = {item.nodeid: item for place in places for item in self._reach[place]}
        return list(items.values())

    def _is_killed(self, mutant: Mutant) -> bool:
        place = (str(mutant.path), mutant.function)
        reach = self._reaching(mutant.name) if mutant.function == TOP else self._reach[place]
        first = self._killers[str(mutant.path), mutant.function + mutant.name]
        ordered = sorted(
            (item for item in reach if self._seconds[item.nodeid] < SLOW or QUICK_ALL_THE_SAME in item.nodeid),
            key=lambda item: (item.nodeid not in first, FIRST not in item.nodeid, self._seconds[item.nodeid]),
        )
        if not ordered:
            return False
        limit = PATIENCE + 2 * sum(self._seconds[item.nodeid] for item in ordered)
        killer = _in_child(lambda tell: _hunt(mutant, ordered, tell), limit)
        if killer is not None and 0 <= killer < len(ordered):
            first.insert(0, ordered[killer].nodeid)
            del first[5:]
        return killer is not None


def _hunt(mutant: Mutant, items: Sequence[pytest.Item], tell: Callable[[int], None]) -> int:
    """Apply the mutant and run tests until one fails; tell which."""
    try:
        _apply(mutant)
    except Exception:  # noqa: BLE001 - a module that can't be made any more is a dead mutant
        return KILLED
    for position, item in enumerate(items):
        if not _passes(item):
            tell(position)
            return KILLED
    return SURVIVED


def _passes(item: pytest.Item) -> bool:
    return not any(report.failed for report in runtestprotocol(item, log=False, nextitem=None))


def _in_child(work: Callable[[Callable[[int], None]], int], limit: float) -> int | None:
    """Run `work` in a forked child; return the number it told (-1 if none), or None if it ended well."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        gc.disable()
        signal.setitimer(signal.ITIMER_VIRTUAL, limit)
        silence = os.open(os.devnull, os.O_WRONLY)
        os.dup2(silence, 1)
        os.dup2(silence, 2)
        outcome = KILLED
        try:
            outcome = work(lambda number: _write(writing, number))
        finally:
            os._exit(outcome)
    os.close(writing)
    told = os.read(reading, 20)
    os.close(reading)
    _, status = os.waitpid(child, 0)
    return None if status == SURVIVED else int(told or b"-1")


def _write(pipe: int, number: int) -> None:
    os.write(pipe, str(number).encode())


def _apply(mutant: Mutant) -> None:
    module = next(each for each in list(sys.modules.values()) if getattr(each, "__file__", None) == str(mutant.path))
    if mutant.function != TOP:
        _function(module, mutant.function).__code__ = _code_of(mutant.compiled(), mutant.function)
        return
    made = types.ModuleType(module.__name__)
    made.__file__ = module.__file__
    sys.modules[module.__name__] = made  # dataclasses look up their own module
    exec(mutant.compiled(), vars(made))
    sys.modules[module.__name__] = module
    old, new = getattr(module, mutant.name), getattr(made, mutant.name)
    if isinstance(old, type):
        old.__init__.__kwdefaults__ = new.__init__.__kwdefaults__  # type: ignore[misc]  # defaults of a dataclass
        old.__init__.__defaults__ = new.__init__.__defaults__  # type: ignore[misc]
        return
    for each in list(sys.modules.values()):
        if getattr(each, mutant.name, None) is old:
            setattr(each, mutant.name, new)


def _function(module: types.ModuleType, qualified: str) -> types.FunctionType:
    found: object = module
    for name in qualified.split("."):
        found = vars(found)[name]
    if isinstance(found, property):
        found = found.fget
    assert isinstance(found, types.FunctionType)
    return found


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
