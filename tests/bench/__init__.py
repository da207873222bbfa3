"""Benchmarks: ratios measured in one run, with the answers checked equal."""
