"""Conditions that have one outcome: never true, always unknown, always true, true whenever their facts are known."""

from collections.abc import Mapping

from engine.core.facts import JsonValue
from rules.analysis.examples import Examples
from rules.analysis.findings import AnalysisFinding, Code, Verdict, listed
from rules.analysis.formulas import Formula
from rules.analysis.model import RuleModel
from rules.analysis.ports import Prover
from rules.analysis.search import Box, OutOfStepsError, Search
from rules.analysis.spaces import UNKNOWN_CELL

MOST_STEPS = 2_000


def find(rule: RuleModel, examples: Examples, prover: Prover | None) -> AnalysisFinding | None:
    """Return what is wrong with a rule whose condition has one outcome, or None."""
    is_told_by_cells = bool(rule.boxes) and (prover is None or not prover.knows_more(rule.variables))
    can_match = True if is_told_by_cells else _possible(rule, [rule.matches], prover)
    if can_match is False:
        return _never(rule, prover)
    can_miss = _can_miss(rule, prover)
    if can_miss is False:
        message = "the condition is always true, so the rule matches every conversation"
        return _finding(rule, Code.ALWAYS_TRUE, message)
    if can_match is None or can_miss is None:
        message = "whether the condition can be true, and can be anything else, was not decided within the limits"
        return _finding(rule, Code.NEVER_TRUE, message, Verdict.UNDECIDED)
    return _when_known(rule, examples)


def _never(rule: RuleModel, prover: Prover | None) -> AnalysisFinding:
    if _possible(rule, [rule.fails], prover) is False:
        message = "the condition is always unknown, so the rule never matches"
        return _finding(rule, Code.ALWAYS_UNKNOWN, message)
    return _finding(rule, Code.NEVER_TRUE, "the condition is never true, so the rule never matches")


def _can_miss(rule: RuleModel, prover: Prover | None) -> bool | None:
    if rule.hull:  # there are cells in which it does not match
        return True
    return _possible(rule, [rule.misses], prover)


def _when_known(rule: RuleModel, examples: Examples) -> AnalysisFinding | None:
    space = rule.space
    if rule.hull is not None and any(space.known[number] & ~cells for number, cells in rule.hull.items()):
        return None
    known = rule.all_known()
    if not known or _possible(rule, [rule.misses, *known], None) is not False:
        return None
    facts = sorted(str(space.variables[number].fact) for number in rule.variables if space.variables[number].fact)
    names = listed(tuple(facts))
    is_or_are = "is" if len(facts) == 1 else "are"
    message = f"the condition is true whenever {names} {is_or_are} known"
    box = {number: UNKNOWN_CELL for number in rule.variables if space.universes[number] & UNKNOWN_CELL}
    example = examples.find(box, lambda given: examples.result(rule, given) is not True)
    return _finding(rule, Code.TRUE_WHEN_KNOWN, message, example=example)


def _possible(rule: RuleModel, parts: list[Formula], prover: Prover | None) -> bool | None:
    """Return whether all of `parts` can hold, or None if that was not decided."""
    try:
        found: Box | None = Search(rule.space.universes, MOST_STEPS).find(parts)
    except OutOfStepsError:
        return None if prover is None else prover.possible(parts)
    if found is not None and prover is not None and prover.knows_more(found):
        return prover.possible(parts)
    return found is not None


def _finding(
    rule: RuleModel,
    code: Code,
    message: str,
    verdict: Verdict = Verdict.PROVED,
    example: Mapping[str, JsonValue] | None = None,
) -> AnalysisFinding:
    return AnalysisFinding(
        code=code,
        rule=rule.name,
        verdict=verdict,
        message=message,
        example=example,
        position=rule.position,
    )
