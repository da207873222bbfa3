"""`make bench`: prints every benchmark's table."""

from rich.console import Console

from tests.bench import analysis_bench, derive_bench, matcher_bench, preview_bench, receive_bench


def main() -> None:
    """Run the benchmarks and print them."""
    matcher_bench.run(Console(width=180))
    receive_bench.run(Console())
    Console().print(analysis_bench.table())
    Console().print(derive_bench.table())
    preview_bench.show(Console())


if __name__ == "__main__":
    main()
