"""The rule language under load: the interpreter against the library, and the slowest rule a search can find."""

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC

from engine.core.facts import Facts, FactValue
from rules.interpret import InterpretedCondition
from rules.patterns import compile_pattern
from tests.unit.rules.choices import SeededChoices, is_rare, pick
from tests.unit.rules.differential import Outcome, Pair, compare, pairs, shrink, tree_of
from tests.unit.rules.facts import CUSTOMER, NOW, check
from tests.unit.rules.generator import Grammar, condition

_PAIRS = 1_000_000
_CUSTOMERS = 10
_SEARCHED = 4_000
_KEPT = 24
_WORST = 0.005
"""Seconds an accepted rule may take at most."""
_USUAL = 0.001
"""Seconds that 99 of 100 generated rules stay under."""

_TEXTS: Sequence[str] = (
    "x" * 4096, "ab" * 2048, ("x" * 600 + "y") * 6, "é" * 4096, "\U0001f600" * 4096, " " * 4096, "1" * 4096,
    "".join(chr(33 + n % 90) for n in range(4096)), "aé日\U00020000 1_" * 512,
)  # fmt: skip
_SEEDS: Sequence[str] = (
    'body =~~ ".{0,190}y"', r'body =~~ "\\w{1,5}$"', 'body =~~ "x.{0,40}y" or body =~~ "a.{0,20}b"',
    " + ".join(["body"] * 17) + ' == "x"', "body.as_upper.as_lower.as_upper.length > 1", '$split(body, "a").length > 1',
    "body in body + body", "$parse_float(body) > 1 or body.to_flt > 1", " * ".join(["1e30"] * 45) + " > 1",
    " and ".join(['body != "x"'] * 60), " and ".join(['"zz" in body + "z"'] * 16), " or ".join(['body =~~ "q"'] * 30),
    " and ".join(f'body =~~ ".{{0,{n}}}y"' for n in range(150, 175)), "$split(body + body + body).length > 1",
    " and ".join(["body.ends_with(body)"] * 30), "body.length in [" + ", ".join(["body.length"] * 60) + "]",
)  # fmt: skip


def library(seed: int, scale: float) -> bool:
    """Compare the interpreter with the library on a million pairs; print each difference, shrunk."""
    outcomes: Counter[str] = Counter()
    shown: set[str] = set()
    conditions = int(_PAIRS * scale) // _CUSTOMERS
    for number in range(conditions):
        is_typed = number % 3 == 0
        tree, found = pairs(SeededChoices(seed * 10_000_019 + number), customers=_CUSTOMERS)
        for pair in found:
            outcome = compare(pair, tree, is_typed=is_typed).outcome
            outcomes[outcome.value] += 1
            if outcome is Outcome.DIFFERENT:
                _show(pair, shown, is_typed=is_typed)
    print(f"  {conditions} expressions: " + ", ".join(f"{count} {name}" for name, count in outcomes.most_common()))
    return not outcomes[Outcome.DIFFERENT.value]


def _show(pair: Pair, shown: set[str], *, is_typed: bool) -> None:
    def differs(one: Pair) -> bool:
        return compare(one, tree_of(one.text), is_typed=is_typed).outcome is Outcome.DIFFERENT

    small = shrink(pair, differs)
    if small.text not in shown:
        shown.add(small.text)
        found = compare(small, tree_of(small.text), is_typed=is_typed)
        print(f"  {small.text}  {dict(small.values)}: ours {found.ours}, the library's {found.theirs}")


def slowest(seed: int, scale: float) -> bool:
    """Search for the slowest accepted rule by mutation; print it, and hold it and the generated ones to the limits."""
    choices = SeededChoices(seed)
    timed = {text: _time(text) for text in _SEEDS}
    generated: list[str] = []
    for _ in range(int(_SEARCHED * scale)):
        best = sorted(timed, key=lambda text: timed[text] or 0.0, reverse=True)[:_KEPT]
        is_new = is_rare(choices, 3)
        text = condition(choices, Grammar(depth=4)) if is_new else _mutated(choices, best)
        if text not in timed:
            generated += [text] if is_new else []
            timed[text] = _time(text)
    accepted = {text: seconds for text, seconds in timed.items() if seconds is not None}
    usual = sorted(accepted[text] for text in generated if text in accepted)
    hundredth = usual[int(len(usual) * 0.99) - 1]
    worst = max(accepted, key=lambda text: accepted[text])
    print(f"  {len(usual)} generated rules accepted; 99 of 100 take under {hundredth * 1000:.2f} ms")
    print(f"  of {len(accepted)} in all the slowest takes {accepted[worst] * 1000:.2f} ms: {worst}")
    return accepted[worst] < _WORST and hundredth < _USUAL


def _mutated(choices: SeededChoices, best: Sequence[str]) -> str:
    """Return one of the slowest so far, changed: joined with another, a part doubled, a number made larger."""
    text = pick(choices, best)
    match choices.number(0, 3):
        case 0:
            return f"({text}) {pick(choices, ('and', 'or', '=='))} ({pick(choices, best)})"
        case 1:
            return text.replace("body", pick(choices, ("(body + body)", "body.as_upper", "body[1:]", "subject")), 1)
        case 2:
            digit = pick(choices, "0123456789")
            return text.replace(digit, pick(choices, ("9", "19", "3")), 1)
        case _:
            pattern = pick(choices, (".{0,9}", r"\\w", "(a|b)*", "[^a]+", "x?", ".*", "é"))
            return text.replace('"', '"' + pattern, 1) if "~" in text else f'{text} or body =~~ "{pattern}z"'


def _time(text: str) -> float | None:
    """Return the longest of the rule's quickest evaluations over texts that are hard, or None if it is refused."""
    tree = check(text).tree
    if tree is None:
        return None
    rule = InterpretedCondition(tree=tree, zone=UTC)
    slowest_text = 0.0
    for body in _TEXTS:
        values: Mapping[str, FactValue] = {**CUSTOMER, "body": body, "subject": body[::-1], "plan": body}
        given = Facts(as_of=NOW, values=values)
        quickest = 1.0
        for _ in range(3):  # others share this machine
            started = time.thread_time()
            rule.evaluate(given, NOW)
            quickest = min(quickest, time.thread_time() - started)
        slowest_text = max(slowest_text, quickest)
    compile_pattern.cache_clear()
    return slowest_text
