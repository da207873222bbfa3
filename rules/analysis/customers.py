"""Conditions that need a fact no customer of a workspace has a value for."""

from rules.analysis.findings import AnalysisFinding, Code, Verdict, listed
from rules.analysis.formulas import Literal
from rules.analysis.model import RuleModel
from rules.analysis.ports import FactStatistics
from rules.analysis.search import OutOfStepsError, Search
from rules.analysis.spaces import UNKNOWN_CELL

MOST_STEPS = 500


def find(rule: RuleModel, statistics: FactStatistics) -> AnalysisFinding | None:
    """Return a finding if the rule can't match while the facts nobody has stay unknown."""
    if not statistics.customers:
        return None
    space = rule.space
    lacking = {
        number: str(space.variables[number].fact)
        for number in rule.variables
        if space.variables[number].fact and statistics.known(str(space.variables[number].fact)) == 0
    }
    if not lacking:
        return None
    unknown = [Literal(number, UNKNOWN_CELL) for number in lacking]
    try:
        if Search(space.universes, MOST_STEPS).find([rule.matches, *unknown]) is not None:
            return None
    except OutOfStepsError:
        return None
    names = listed(tuple(sorted(lacking.values())))
    return AnalysisFinding(
        code=Code.NO_CUSTOMER_HAS,
        rule=rule.name,
        verdict=Verdict.PROVED,
        message=f"it needs {names}, which none of {statistics.customers:,} customers has today",
        position=rule.position,
    )
