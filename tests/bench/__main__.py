"""`make bench`: prints every benchmark's table; `make bench ARGS="webhooks panel"` those named."""

import argparse
from collections.abc import Callable, Mapping
from types import MappingProxyType

from rich.console import Console

from tests.bench import (
    accounts_bench,
    analysis_bench,
    backfill_bench,
    derive_bench,
    matcher_bench,
    panel_bench,
    preview_bench,
    publish_bench,
    receive_bench,
    webhook_bench,
)

PARTS: Mapping[str, Callable[[], None]] = MappingProxyType(
    {
        "matcher": lambda: matcher_bench.run(Console(width=180)),
        "publish": lambda: publish_bench.run(Console()),
        "receive": lambda: receive_bench.run(Console()),
        "analysis": lambda: Console().print(analysis_bench.table()),
        "derive": lambda: Console().print(derive_bench.table()),
        "preview": lambda: preview_bench.show(Console()),
        "webhooks": webhook_bench.main,
        "backfill": backfill_bench.main,
        "backfill-memory": lambda: backfill_bench.memory(Console(width=150), is_whole=False),
        "panel": lambda: panel_bench.run(Console(width=120)),
        "accounts": accounts_bench.main,
    }
)
"""The parts by name; a new one is a line here."""
LONG: Mapping[str, Callable[[], None]] = MappingProxyType(
    {"million": lambda: backfill_bench.memory(Console(width=150), is_whole=True)}
)
"""Parts that take hours, run only where they are named."""


def main() -> None:
    """Run the parts named, or all, one after the other."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description="Run the benchmarks.")
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}; all by default")
    chosen = parser.parse_args().parts
    known = {**PARTS, **LONG}
    unknown = sorted(set(chosen) - set(known))
    if unknown:
        parser.error(f"no such part: {', '.join(unknown)}; there are {', '.join(known)}")
    for name in chosen or PARTS:
        known[name]()


if __name__ == "__main__":
    main()
