"""Static analysis and the nearest change against all facts of small domains, and against generated conditions."""

import time

from rules.analysis.solver import Z3Prover
from tests.unit.rules.choices import SeededChoices
from tests.unit.rules.small_rulesets import LEAVES, assert_agrees, ruleset
from tests.unit.rules.test_analysis_lower import assert_sound
from tests.unit.rules.test_nearest import CALCULATED, a_case, assert_nearest

RULESETS = 1_500
SOLVED = 150
CONDITIONS = 20_000
CHANGES = 10_000


def run(seed: int, scale: float) -> bool:
    """Compare; print the first case where a verdict and the interpreter differ."""
    started = time.monotonic()
    base = seed * 10_000_000
    try:
        for number in range(round(CONDITIONS * scale)):
            assert_sound(base + number)
        for number in range(round(RULESETS * scale)):
            assert_agrees(ruleset(SeededChoices(base + number)))
        for number in range(round(SOLVED * scale)):
            assert_agrees(ruleset(SeededChoices(base + RULESETS + number)), Z3Prover)
        for number in range(round(CHANGES * scale)):
            assert_nearest(*a_case(SeededChoices(base + number)))
            assert_nearest(*a_case(SeededChoices(base + number), (*LEAVES, *CALCULATED)))
    except AssertionError as difference:
        print(f"analysis: seed {seed} differs: {difference}")
        return False
    print(
        f"analysis: {round(CONDITIONS * scale):,} conditions, {round((RULESETS + SOLVED) * scale):,} rulesets and "
        f"{2 * round(CHANGES * scale):,} nearest changes agree, {time.monotonic() - started:.0f} s"
    )
    return True
