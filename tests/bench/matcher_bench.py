"""The matcher against the engines a user could pick instead: the same rules, the same facts, the same answers.

Every figure is processor time a conversation, so that a busy machine spoils it less. The answers of all engines are
compared with each other while all facts are known; with unknown facts Ochre is compared with its own interpreter,
since the others have no such thing.
"""

import statistics
import time
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from rich.console import Console
from rich.table import Table

from engine.core.decide import decide
from engine.core.matcher.matcher import Matcher
from engine.core.ruleset import Ruleset
from rules.check import CheckedRuleset, check
from rules.compile import compile_ruleset, coverage, interpreted_ruleset
from rules.explain import trace_condition
from tests.bench import peers, workload
from tests.bench.workload import NOW, Person, Rule
from web.facts import CATALOG

SIZES = (10, 100, 1000, 10_000)
SHARES = {"1 %": 0.01, "0.04 %": 0.0004}
UNKNOWN = (0.0, 0.02, 0.1, 1.0)
CONVERSATIONS = 100
COMPARED = 10
ENOUGH_S = 0.4
"""How much processor time one measurement may take before it stops repeating."""


class Figure(NamedTuple):
    """One target of the design, and what came out."""

    what: str
    wanted: float
    got: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """One set of rules, compiled by Ochre."""

    rules: Sequence[Rule]
    checked: CheckedRuleset
    ruleset: Ruleset

    @property
    def matcher(self) -> Matcher:
        """Return the compiled matcher."""
        assert isinstance(self.ruleset.matcher, Matcher)
        return self.ruleset.matcher

    def matched(self, person: Person) -> list[int]:
        """Return the places of the rules that match, their unknown set found and not read."""
        return list(self.matcher.reach(person.facts, NOW, "created", None).matched)


def run(console: Console) -> None:
    """Run everything and print it."""
    for requirement, why in peers.install().items():
        console.print(f"{requirement} could not be installed and is left out: {why}")
    figures: list[Figure] = []
    for label, share in SHARES.items():
        figures += _all_matches(console, label, share)
    for label, share in SHARES.items():
        figures += _first_matches(console, label, share)
    figures += _unknown_facts(console)
    _costs(console)
    _print_figures(console, figures)


def subject(count: int, share: float, *, stop: bool = False) -> Subject:
    """Return `count` rules of the workload, checked and compiled."""
    rules = workload.rules(count, share, seed=count)
    checked = checked_ruleset(rules, stop=stop)
    return Subject(rules=rules, checked=checked, ruleset=compile_ruleset(checked))


def checked_ruleset(rules: Sequence[Rule], *, stop: bool = False) -> CheckedRuleset:
    """Return rules of the workload, checked."""
    then = "{assign_team: t}, stop: true" if stop else "{add_tags: [t]}"
    lines = [f"  - {{name: r{n}, when: '{workload.condition(rule)}', then: {then}}}" for n, rule in enumerate(rules)]
    result = check("\n".join(["version: 1", "rules:", *lines, "fallback: {assign_team: support}"]), CATALOG)
    if result.ruleset is None:
        raise AssertionError(result.diagnostics[0].message)
    return result.ruleset


def timed(work: Callable[[Person], Any], people: Sequence[Person]) -> float:
    """Return the median processor time of `work` for one conversation, in microseconds."""
    rounds: list[float] = []
    while sum(rounds) < ENOUGH_S and len(rounds) < 7:
        began = time.process_time()
        for person in people:
            work(person)
        rounds.append(time.process_time() - began)
    return statistics.median(rounds) / len(people) * 1e6


def _all_matches(console: Console, label: str, share: float) -> list[Figure]:
    table = Table(title=f"All matches, each rule matching about {label}; µs a conversation (times Ochre's)")
    for heading in ("rules", "matches", "Ochre", *peers.PEERS):
        table.add_column(heading, justify="right")
    figures: list[Figure] = []
    ochre: dict[int, float] = {}
    for size in SIZES:
        one = subject(size, share)
        people = workload.people(CONVERSATIONS, 0, seed=size)
        answers = [one.matched(person) for person in people]
        ours = ochre[size] = timed(one.matched, people)
        cells = []
        for name, theirs in _timed_peers(console, one.rules, people, answers):
            cells.append("-" if theirs is None else f"{theirs:,.0f} ({theirs / ours:,.0f}x)")
            if theirs is not None and share == SHARES["1 %"]:
                figures += _wanted(name, size, theirs / ours)
        matches = sum(map(len, answers)) / len(people)
        table.add_row(f"{size:,}", f"{matches:.1f}", f"{ours:,.1f}", *cells)
    console.print(table)
    figures.append(Figure(f"growth from 1,000 to 10,000 rules, {label} (at most)", 4, ochre[10_000] / ochre[1000]))
    return figures


def _timed_peers(
    console: Console, rules: Sequence[Rule], people: Sequence[Person], answers: Sequence[list[int]]
) -> Iterator[tuple[str, float | None]]:
    few = people[: max(3, min(COMPARED, 20_000 // len(rules)))]
    for name, make in peers.PEERS.items():
        try:
            match = make(rules)
        except ImportError as missing:
            console.print(f"{name} is left out: {missing}")
            yield name, None
            continue
        for person, ours in zip(few, answers, strict=False):
            if match(person) != ours:
                raise AssertionError(f"Ochre and {name} disagree over {len(rules)} rules")
        yield name, timed(match, few)


def _wanted(name: str, size: int, ratio: float) -> list[Figure]:
    wanted = {
        ("rule_engine, typed", 10_000): 1000,
        ("rule_engine, typed", 1000): 350,
        ("rule_engine, typed", 100): 120,
        ("rule_engine, typed", 10): 50,
        ("CEL in Rust", 10_000): 60,
        ("ZEN's table", 10_000): 150,
        ("CLIPS", 10_000): 12,
        ("hand-written lambdas", 10_000): 10,
    }.get((name, size))
    return [] if wanted is None else [Figure(f"all matches of {size:,} rules, times faster than {name}", wanted, ratio)]


def _first_matches(console: Console, label: str, share: float) -> list[Figure]:
    table = Table(title=f"First match, every rule with stop, each matching about {label}; µs a conversation")
    for heading in ("rules", "Ochre", "rule_engine's Chain", "ratio"):
        table.add_column(heading, justify="right")
    ratio = 0.0
    for size in SIZES:
        one = subject(size, share, stop=True)
        people = workload.people(CONVERSATIONS, 0, seed=size)
        chain = peers.chain(one.rules)
        few = people[: max(5, min(50, 50_000 // size))]
        for person in few:
            if one.matcher.reach(person.facts, NOW, "created", None).stopped_by != chain(person):
                raise AssertionError("Ochre and the Chain stop at different rules")
        ours = timed(lambda person: one.matcher.reach(person.facts, NOW, "created", None), people)  # noqa: B023
        theirs = timed(chain, few)
        ratio = theirs / ours
        table.add_row(f"{size:,}", f"{ours:,.1f}", f"{theirs:,.0f}", f"{ratio:,.0f}x")
    console.print(table)
    wanted = 100 if share == SHARES["1 %"] else 800
    return [Figure(f"first match of 10,000 rules matching {label}, times faster than Chain", wanted, ratio)]


def _unknown_facts(console: Console) -> list[Figure]:
    one = subject(10_000, SHARES["1 %"])
    peer = peers.rule_engine_typed(one.rules)
    one_by_one = interpreted_ruleset(one.checked)
    table = Table(title="All matches of 10,000 rules with Stripe facts unknown; µs a conversation")
    for heading in ("unknown facts", "matched", "unknown rules", "Ochre", "rule_engine, typed", "ratio", "decide"):
        table.add_column(heading, justify="right")
    figures = []
    for unknown in UNKNOWN:
        people = workload.people(CONVERSATIONS, unknown, seed=7)
        for person in people[:3]:
            if decide(one.ruleset, person.facts, now=NOW) != decide(one_by_one, person.facts, now=NOW):
                raise AssertionError("the matcher and the interpreter disagree")
        reached = [one.matcher.reach(person.facts, NOW, "created", None) for person in people]
        ours, theirs = timed(one.matched, people), timed(peer, people[:3])
        whole = timed(lambda person: decide(one.ruleset, person.facts, now=NOW), people)
        matched = statistics.mean(len(found.matched) for found in reached)
        left = statistics.mean(found.unknown_count for found in reached)
        cells = (f"{matched:.1f}", f"{left:,.0f}", f"{ours:,.1f}", f"{theirs:,.0f}", f"{theirs / ours:,.0f}x")
        table.add_row(f"{unknown:.0%}", *cells, f"{whole:,.0f}")
        if unknown >= 0.1:
            figures.append(Figure(f"{unknown:.0%} of the Stripe facts unknown, 10,000 rules", 400, theirs / ours))
    console.print(table)
    return figures


def _costs(console: Console) -> None:
    one = subject(10_000, SHARES["1 %"])
    changed = list(one.rules)
    changed[5000] = workload.rules(1, 0.01, seed=99)[0]
    checked = checked_ruleset(changed)
    began = time.process_time()
    again = compile_ruleset(checked, one.ruleset)
    change_ms = (time.process_time() - began) * 1e3
    decide(again, workload.people(1, 0, 1)[0].facts, now=NOW)
    fresh = checked_ruleset(workload.rules(10_000, 0.0101, seed=123))
    began = time.process_time()
    compile_ruleset(fresh)
    compile_s = time.process_time() - began
    fresh = checked_ruleset(workload.rules(10_000, 0.0102, seed=124))
    tracemalloc.start()
    kept = compile_ruleset(fresh)
    bytes_, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    covered = coverage(kept)
    person = workload.people(1, 0, seed=3)[0]
    rule = max(one.checked.rules, key=lambda rule: len(rule.text))
    explained = timed(
        lambda person: trace_condition(rule.tree, rule.text, person.facts, now=NOW, timezone="UTC"), [person] * 100
    )
    unread = workload.people(1, 1.0, seed=3)[0]
    read = timed(lambda person: dict(decide(one.ruleset, person.facts, now=NOW).unknown), [unread] * 5)
    table = Table(title="What else it costs, 10,000 rules")
    table.add_column("what")
    table.add_column("figure", justify="right")
    table.add_row("compile, all conditions checked before", f"{compile_s:.2f} s")
    table.add_row("compile after one rule changed", f"{change_ms:.1f} ms")
    table.add_row("memory a rule", f"{bytes_ / 10_000:,.0f} bytes")
    table.add_row("rules compiled", f"{covered.compiled:,} of {covered.rules:,}")
    table.add_row(f"explain one rule ({rule.text[:50]}…)", f"{explained:,.0f} µs")
    table.add_row("decide and read all unknown rules with their facts, no Stripe fact known", f"{read / 1e3:,.1f} ms")
    console.print(table)


def _print_figures(console: Console, figures: Sequence[Figure]) -> None:
    table = Table(title="The design's figures")
    for heading in ("what", "wanted", "got", ""):
        table.add_column(heading, justify="left" if heading == "what" else "right")
    for what, wanted, got in figures:
        is_reached = got <= wanted if "at most" in what else got >= wanted
        table.add_row(what, f"{wanted:,.0f}x", f"{got:,.1f}x", "reached" if is_reached else "NOT reached")
    console.print(table)


def main() -> None:
    """Run this benchmark alone."""
    run(Console(width=180))


if __name__ == "__main__":
    main()
