"""Rules that match exactly when another does, and do the same."""

import json
from collections.abc import Iterator

from rules.analysis.findings import AnalysisFinding, Code, Verdict
from rules.analysis.model import RuleModel, RulesetModel
from rules.analysis.search import OutOfStepsError, Search

MOST_STEPS = 500
MOST_ALIKE = 20
"""With how many rules that look alike one is compared."""


def find(model: RulesetModel, candidates: frozenset[int]) -> Iterator[AnalysisFinding]:
    """Yield a finding for each rule, of those at the positions `candidates`, that an earlier one makes superfluous."""
    alike: dict[object, list[RuleModel]] = {}
    for rule in model.rules:
        if rule.position not in candidates or rule.hull is None:
            continue
        group = alike.setdefault(_likeness(rule), [])
        twin = next((one for one in group[:MOST_ALIKE] if _equal(one, rule)), None)
        if twin is None:
            group.append(rule)
            continue
        yield AnalysisFinding(
            code=Code.DUPLICATE,
            rule=rule.name,
            verdict=Verdict.PROVED,
            message=f"it matches exactly when `{twin.name}` does, and does the same",
            others=(twin.name,),
            position=rule.position,
        )


def _likeness(rule: RuleModel) -> object:
    """Return what is equal for rules that do the same and match in the same cells of each variable alone."""
    own = rule.rule
    actions = json.dumps(own.actions.to_line(), sort_keys=True, default=str)
    assert rule.hull is not None
    return (actions, own.stop, own.mode, own.canary, own.on, own.override, frozenset(rule.hull.items()))


def _equal(one: RuleModel, other: RuleModel) -> bool:
    if one.matches == other.matches:
        return True
    try:
        search = Search(one.space.universes, MOST_STEPS)
        return search.find([one.matches, other.misses]) is None and search.find([other.matches, one.misses]) is None
    except OutOfStepsError:
        return False
