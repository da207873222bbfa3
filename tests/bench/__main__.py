"""`make bench`: prints every benchmark's table."""

from rich.console import Console
from rich.table import Table

from tests.bench import analysis_bench, derive_bench, preview_bench, rules_bench


def main() -> None:
    """Run the benchmarks and print them."""
    table = Table(title="All matches, µs a conversation")
    for heading in ("rules", "Ochre (interpreter)", "rule_engine (typed)", "ratio"):
        table.add_column(heading, justify="right")
    for row in rules_bench.run():
        table.add_row(*row)
    Console().print(table)
    Console().print(analysis_bench.table())
    Console().print(derive_bench.table())
    preview_bench.show(Console())


if __name__ == "__main__":
    main()
