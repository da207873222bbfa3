"""How long the analysis of a ruleset takes: by intervals alone, and with z3.

The rules are the usual mix (thresholds, equalities, conjunctions, alternatives, texts), a tenth of them stop, and a
few are planted: shadowed, contradictory, duplicated. Reading and checking the text is timed apart.
"""

import gc
import json
import random
import time
from collections import Counter
from datetime import UTC, datetime

from rich.table import Table

from rules.analysis.analyze import analyze
from rules.analysis.findings import AnalysisFinding
from rules.analysis.solver import Z3Prover
from rules.check import CheckedRuleset, check
from web.facts import CATALOG

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
NUMBERS = ("mrr", "ltv", "quantity", "days_overdue", "payments", "amount_due", "refunded", "trial_days_left", "hour")
STATUSES = ("unpaid", "past_due", "trialing", "active", "canceled")
WORDS = ("refund", "invoice", "cancel", "charge", "upgrade", "login", "vat", "card")
FLAGS = ("delinquent", "on_trial", "cancels", "discounted", "charge_failed", "customer")
HEADINGS = ("rules", "by", "check, s", "analysis, s", "findings")
SIZES = ((1_000, "intervals"), (10_000, "intervals"), (1_000, "z3"))


def table() -> Table:
    """Return the table: for each ruleset the seconds of its check and of its analysis, and what was found."""
    found = Table(title="Analysis of rulesets")
    for heading in HEADINGS:
        found.add_column(heading, justify="right")
    for size, means in SIZES:
        found.add_row(*_row(size, means))
    return found


def _row(size: int, means: str) -> tuple[str, ...]:
    text = ruleset(size)
    began = time.perf_counter()
    checked = check(text, CATALOG).ruleset
    between = time.perf_counter()
    assert checked is not None
    findings = _analyzed(checked, means)
    ended = time.perf_counter()
    counts = Counter(f"{one.code.value} {one.verdict.value}" for one in findings)
    told = ", ".join(f"{count} {name}" for name, count in sorted(counts.items()))
    return (f"{size:,}", means, f"{between - began:.2f}", f"{ended - between:.2f}", told)


def _analyzed(checked: CheckedRuleset, means: str) -> tuple[AnalysisFinding, ...]:
    gc.disable()  # as the command does
    try:
        return analyze(checked, now=NOW, make_prover=Z3Prover if means == "z3" else None)
    finally:
        gc.enable()


def ruleset(size: int, seed: int = 7) -> str:
    """Return the text of a ruleset of `size` rules."""
    chance = random.Random(seed)
    rules = []
    for number in range(size):
        condition = _condition(chance)
        actions = f"{{assign_team: team {chance.randrange(40)}}}"
        if chance.random() < 0.3:
            actions = f"{{priority: {chance.choice(('low', 'high'))}, add_tags: [t{number}]}}"
        is_narrow = " and " in condition and " or " not in condition
        stop = ", stop: true" if is_narrow and chance.random() < 0.25 else ""
        rules.append(f"  - {{name: rule {number}, when: {json.dumps(condition)}, then: {actions}{stop}}}\n")
    return f"version: 1\nrules:\n{''.join(rules)}fallback: {{assign_team: support}}\n"


def _condition(chance: random.Random) -> str:
    kind = chance.random()
    if kind < 0.4:
        return _leaf(chance)
    if kind < 0.8:
        return " and ".join(_leaf(chance) for _ in range(chance.randrange(2, 5)))
    if kind < 0.95:
        return f"({_leaf(chance)} or {_leaf(chance)}) and {_leaf(chance)}"
    return f'"{chance.choice(WORDS)} {chance.randrange(500)}" in subject'


def _leaf(chance: random.Random) -> str:
    return chance.choice(
        (
            f"{chance.choice(NUMBERS)} {chance.choice(('>', '>=', '<', '<='))} {chance.randrange(1, 50_000)}",
            f"{chance.choice(NUMBERS)} > {chance.randrange(1, 50_000)}",
            f'status == "{chance.choice(STATUSES)}"',
            f'plan == "Plan {chance.randrange(300)}"',
            f'country in ["C{chance.randrange(60)}", "C{chance.randrange(60)}"]',
            f'plan =~ "Plan {chance.randrange(300)}"',
            f'"{chance.choice(WORDS)}" in body',
            f'"tag{chance.randrange(200)}" in tags',
            f"{chance.choice(('', 'not '))}{chance.choice(FLAGS)}",
        )
    )
