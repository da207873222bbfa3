"""`python -m tests.torture [PART…] [--seed N] [--scale X]`: run the parts named, or all."""

import argparse
import sys
import time

from tests.torture.registry import PARTS


def main() -> int:
    """Run the parts one after the other; return how many did not hold."""
    parser = argparse.ArgumentParser(prog="python -m tests.torture", description="Run the long proofs.")
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}; all by default")
    parser.add_argument("--seed", type=int, default=1, help="another seed makes other cases; the same, the same")
    parser.add_argument("--scale", type=float, default=1.0, help="how many times the usual number of cases")
    chosen = parser.parse_args()
    unknown = sorted(set(chosen.parts) - set(PARTS))
    if unknown:
        parser.error(f"no such part: {', '.join(unknown)}; there are {', '.join(PARTS)}")
    failed = 0
    for name in chosen.parts or PARTS:
        started = time.monotonic()
        held = PARTS[name](chosen.seed, chosen.scale)
        print(f"{name}: {'held' if held else 'FAILED'} in {time.monotonic() - started:.0f} s", flush=True)
        failed += not held
    return failed


if __name__ == "__main__":
    sys.exit(main())
