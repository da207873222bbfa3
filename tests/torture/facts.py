"""Tens of thousands of generated customers, derived and compared with the slow reference, every fact of each."""

import json
import time

from tests.unit.derive import agreement

CUSTOMERS = 20_000


def run(seed: int, scale: float) -> bool:
    """Compare; print the first customer of whom the two say different things, as `ochre facts derive` takes it."""
    count = max(1, round(CUSTOMERS * scale))
    started = time.monotonic()
    for number in range(count):
        case, expected = agreement.answered(seed * 1_000_000 + number)
        differences = agreement.differences(case, expected)
        if differences:
            print(f"facts: customer {number} of seed {seed} differs; save what follows and run")
            print(f"  ochre facts derive BUNDLE.json {case.options()}")
            for fact, (said, expected) in differences.items():
                print(f"  {fact}: derived {said!r}, the reference says {expected!r}")
            print(json.dumps(case.document, indent=1))
            return False
    print(f"facts: {count} customers, every fact as the reference says, {time.monotonic() - started:.0f} s")
    return True
