"""Hostile texts at the door of the rule language: none may make anything raise but findings, and none may take long."""

import time
from collections import Counter

from tests.unit.rules.choices import SeededChoices
from tests.unit.rules.hostile import assert_endured, hostile

TEXTS = 200_000


def run(seed: int, scale: float) -> bool:
    """Try them; print the first that is not endured, and the one that took longest."""
    outcomes: Counter[str] = Counter()
    slowest, slowest_text = 0.0, ""
    for number in range(round(TEXTS * scale)):
        choices = SeededChoices(seed * 10_000_000 + number)
        text = hostile(choices)
        began = time.thread_time()
        try:
            outcomes[assert_endured(text, choices)] += 1
        except Exception as error:  # noqa: BLE001 - that there is none is what is proved
            print(f"hostile: {type(error).__name__}: {error} ({text!r})")
            return False
        taken = time.thread_time() - began
        if taken > slowest:
            slowest, slowest_text = taken, text
    told = ", ".join(f"{count:,} {name}" for name, count in sorted(outcomes.items()))
    print(
        f"hostile: {told}; the slowest took {slowest * 1e3:.0f} ms, three evaluations with it: {slowest_text[:200]!r}"
    )
    return True
