"""A million generated pairs of a rule and facts: the matcher decides as the interpreter does, in whole rulesets."""

import time

from rules.compile import compile_ruleset
from tests.unit.rules import matcher_differential as differential
from tests.unit.rules.choices import SeededChoices

RULES = 100
FACT_SETS = 100
PAIRS = 1_000_000


def run(seed: int, scale: float) -> bool:
    """Compare; print the first ruleset's rules that differ, with the facts."""
    rulesets = max(1, round(PAIRS * scale / RULES / FACT_SETS))
    started = time.monotonic()
    for number in range(rulesets):
        choices = SeededChoices(seed * 1_000_000 + number)
        checked = differential.ruleset(choices, RULES, plain=number % 2 == 0)
        for found in differential.compare(checked, compile_ruleset(checked), choices, FACT_SETS):
            print(f"matcher: ruleset {number} of seed {seed} differs")
            print("\n".join(f"  when: {text}" for text in found.rules[:5]))
            print(f"  facts: {dict(found.facts.values)!r}")
            print(f"  the interpreter says {found.expected!r}")
            print(f"  the matcher says     {found.got!r}")
            return False
    print(f"matcher: {rulesets * RULES * FACT_SETS:,} pairs alike, {time.monotonic() - started:.0f} s")
    return True
