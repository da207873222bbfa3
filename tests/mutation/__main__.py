"""`python -m tests.mutation [FILE…]`: mutate the derivation, all of it or the files named, and check the survivors."""

import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.mutation.mutants import Mutant, mutants_of
from tests.mutation.running import Mutating, modules_of

ROOT = Path(__file__).parents[2]
SURVIVORS = Path(__file__).parent / "survivors"
TESTS = ("tests/unit/derive", "--ignore=tests/unit/derive/test_totality.py")
"""Totality only ever asserts that nothing is raised; it kills next to nothing, and takes longest."""
GOAL = 0.9
SEPARATOR = " :: "


def main() -> int:
    """Run, print the figures, and return 0 if nothing survives that should not."""
    started = time.monotonic()
    modules = modules_of(sys.argv[1:], ROOT)
    mutants = [mutant for path in modules for mutant in mutants_of(path)]
    survivors: list[Mutant] = []
    killed: Counter[str] = Counter()

    def tell(mutant: Mutant, is_killed: bool) -> None:  # noqa: FBT001 - called by the plugin
        if is_killed:
            killed[mutant.path.name] += 1
        else:
            survivors.append(mutant)
            print(f"survived: {mutant.key}", flush=True)

    plugin = Mutating(mutants, tell)
    # Pytest's own rewriting wants to be there before hypothesis; that it comes late here does no harm.
    pytest.main(
        [
            *TESTS,
            "-q",
            "--no-header",
            "-p",
            "no:cacheprovider",
            "-p",
            "no:cov",
            "-W",
            "ignore::pytest.PytestAssertRewriteWarning",
        ],
        plugins=[plugin],
    )
    if plugin.failed:
        print(f"the tests fail without any mutant: {', '.join(plugin.failed)}")
        return 2
    for path in modules:
        alive = sum(mutant.path == path for mutant in survivors)
        print(f"{path.name:20} {killed[path.name]:5} killed {alive:4} survived")
    share = killed.total() / max(1, len(mutants))
    print(
        f"{len(mutants)} mutants, {killed.total()} killed ({share:.1%}), {len(survivors)} survived, "
        f"{time.monotonic() - started:.0f} s"
    )
    return _judge({mutant.key for mutant in survivors}, {mutant.key for mutant in mutants}, share)


def _judge(survivors: set[str], mutants: set[str], share: float) -> int:
    """Return 0 if exactly the listed survivors survived, and enough was killed."""
    listed = dict(line.split(SEPARATOR, 1) for line in SURVIVORS.read_text().splitlines() if SEPARATOR in line)
    new = sorted(survivors - set(listed))
    stale = sorted((set(listed) & mutants) - survivors)
    for key in new:
        print(f"new, kill it or give it a reason: {key}")
    for key in stale:
        print(f"listed, but killed: {key}")
    return 1 if new or stale or share < GOAL else 0


if __name__ == "__main__":
    sys.exit(main())
