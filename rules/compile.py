"""From a checked ruleset to one the core runs; it can't fail.

`compile_ruleset` indexes all rules together; `interpreted_ruleset` does not, for a ruleset that decides once or twice.
"""

import functools
import itertools
import threading
from dataclasses import replace
from datetime import tzinfo
from typing import NamedTuple
from zoneinfo import ZoneInfo

from typing_extensions import override

from engine.core.matcher.clauses import Form
from engine.core.matcher.matcher import Matcher
from engine.core.ruleset import CompiledRule, Ruleset
from rules import limits
from rules.check import CheckedRule, CheckedRuleset
from rules.collecting import paused
from rules.interpret import InterpretedCondition
from rules.matcher.forms import form_of, interpreted_form
from rules.plain_parts import plain_parts
from rules.tree import Node

REMEMBERED = 2 * limits.MAX_RULES
"""How many conditions a process keeps in the matcher's form, a kilobyte or two each."""


class Coverage(NamedTuple):
    """How many rules there are, and how many run without the interpreter."""

    rules: int
    compiled: int


def compile_ruleset(checked: CheckedRuleset, previous: Ruleset | None = None) -> Ruleset:
    """Return `checked` ready to decide.

    What `previous`, an earlier version, has indexed already is taken from it: one changed rule of 10,000 takes
    milliseconds.
    """
    with paused():
        ready = _all_ready(checked)
        rules = tuple([one.compiled for one in ready])
        forms = [one.form for one in ready]
        before = None if previous is None else previous.matcher
        return Ruleset(
            timezone=checked.timezone,
            fallback=checked.fallback,
            rules=rules,
            matcher=Matcher(rules, forms, before if isinstance(before, Matcher) else None),
        )


def interpreted_ruleset(checked: CheckedRuleset) -> Ruleset:
    """Return `checked` ready to decide, each rule asked by itself."""
    zone = ZoneInfo(checked.timezone)
    return Ruleset(
        timezone=checked.timezone,
        fallback=checked.fallback,
        rules=tuple([_compiled_rule(rule, zone) for rule in checked.rules]),
    )


def coverage(ruleset: Ruleset) -> Coverage:
    """Return how much of a compiled ruleset runs without the interpreter."""
    return Coverage(rules=len(ruleset.rules), compiled=0 if ruleset.matcher is None else ruleset.matcher.compiled)


def coverage_of(checked: CheckedRuleset) -> Coverage:
    """Return how much of a checked ruleset runs without the interpreter once it is compiled."""
    # Comparisons of facts with values are always compiled; to do that only to count them would take longer than
    # all checks together.
    others = [rule for rule in checked.rules if plain_parts(rule.tree) is None]
    ready = _all_ready(replace(checked, rules=tuple(others)))
    plain = len(checked.rules) - len(others)
    return Coverage(rules=len(checked.rules), compiled=plain + sum(one.form.is_compiled for one in ready))


def _compiled_rule(rule: CheckedRule, zone: tzinfo) -> CompiledRule:
    return CompiledRule(
        name=rule.name,
        condition=InterpretedCondition(tree=rule.tree, zone=zone),
        actions=rule.actions,
        stop=rule.stop,
        mode=rule.mode,
        canary=rule.canary,
        on=rule.on,
        override=rule.override,
    )


class _Ready(NamedTuple):
    """A rule compiled; checking the same text again gives the same checked rule, which `_READY` finds by identity."""

    checked: CheckedRule
    """Kept, so that no other object gets its identity."""
    zone: tzinfo
    compiled: CompiledRule
    form: Form


_READY: dict[int, _Ready] = {}
_READY_LOCK = threading.Lock()


def _all_ready(checked: CheckedRuleset) -> list[_Ready]:
    """Return every rule compiled; those of an earlier version are the same objects."""
    zone = ZoneInfo(checked.timezone)
    ready = []
    for rule in checked.rules:
        one = _READY.get(id(rule))
        ready.append(_make_ready(rule, zone) if one is None or one.zone is not zone else one)
    return ready


def _make_ready(rule: CheckedRule, zone: tzinfo) -> _Ready:
    """Compile one rule and remember it, instead of those that were compiled first where there are too many."""
    ready = _Ready(rule, zone, _compiled_rule(rule, zone), _form(_Same(rule.tree), zone))
    with _READY_LOCK:
        if len(_READY) >= REMEMBERED:
            for oldest in list(itertools.islice(_READY, REMEMBERED // 4)):
                del _READY[oldest]
        _READY[id(rule)] = ready
    return ready


class _Same:
    """A tree by identity: checking the same text again gives the same tree, and comparing two trees takes long."""

    __slots__ = ("tree",)

    def __init__(self, tree: Node) -> None:
        self.tree = tree

    @override
    def __hash__(self) -> int:
        return id(self.tree)

    @override
    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self.tree is other.tree


@functools.lru_cache(maxsize=REMEMBERED)
def _form(same: _Same, zone: tzinfo) -> Form:
    try:
        return form_of(same.tree, zone)
    except Exception:  # noqa: BLE001  # our own bug must not stop a workspace from deciding; it is counted and shown
        return interpreted_form(same.tree, zone)
