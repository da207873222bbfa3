"""Comparisons with values that a fact never has, by what the catalog promises: `hour > 23`, `mrr < 0`.

These promises hold in the service. They are no part of the language: `ochre rules eval` takes any number, so nothing
else is concluded from them.
"""

from collections.abc import Iterator
from decimal import Decimal

from rules.analysis.findings import AnalysisFinding, Code, Verdict
from rules.analysis.formulas import Formula, Literal
from rules.analysis.lines import opposite
from rules.analysis.model import RuleModel
from rules.analysis.search import OutOfStepsError, Search
from rules.tree import Collection, Equality, Fact, Membership, Negative, Node, Ordering, walk
from rules.tree import Literal as Written

MOST_STEPS = 500


def find(rule: RuleModel) -> AnalysisFinding | None:
    """Return the finding for a rule that asks for what no fact ever is, or None."""
    found = list(dict.fromkeys(_dead(rule)))
    if found:
        message = "; ".join(found)
    elif _never_in_range(rule):
        message = "no value that its facts can have makes the condition true"
    else:
        return None
    return AnalysisFinding(
        code=Code.OUT_OF_REACH, rule=rule.name, verdict=Verdict.PROVED, message=message, position=rule.position
    )


def _dead(rule: RuleModel) -> Iterator[str]:
    for number in rule.variables | _sides(rule):
        spec_node = rule.space.variables[number].node
        if isinstance(spec_node, Fact) and _limits(spec_node) != (None, None):
            break
    else:
        return
    for node in walk(rule.rule.tree):
        fact = _impossible(node)
        if fact is not None:
            text = " ".join(rule.rule.text[node.span.start : node.span.end].split())
            yield f"`{text}` is never true: `{fact.name}` is {_range(fact)}"


def _sides(rule: RuleModel) -> frozenset[int]:
    return frozenset(side.number for number in rule.variables for side in (rule.space.variables[number].sides or ()))


def _impossible(node: Node) -> Fact | None:
    """Return the fact of a comparison that no value of the fact fulfils, or None."""
    if isinstance(node, Membership) and isinstance(node.left, Fact) and isinstance(node.right, Collection):
        bounds = [_number(item) for item in node.right.items]
        is_dead = bool(bounds) and all(bound is not None and _is_beyond(node.left, "==", bound) for bound in bounds)
        return node.left if is_dead else None
    if not isinstance(node, Equality | Ordering) or node.operator == "!=":
        return None
    for fact, other, operator in (
        (node.left, node.right, node.operator),
        (node.right, node.left, opposite(node.operator)),
    ):
        bound = _number(other)
        if isinstance(fact, Fact) and bound is not None and _is_beyond(fact, operator, bound):
            return fact
    return None


def _is_beyond(fact: Fact, operator: str, bound: Decimal) -> bool:
    low, high = _limits(fact)
    match operator:
        case "<":
            return low is not None and bound <= low
        case "<=":
            return low is not None and bound < low
        case ">":
            return high is not None and bound >= high
        case ">=":
            return high is not None and bound > high
        case _:
            return (low is not None and bound < low) or (high is not None and bound > high)


def _limits(fact: Fact) -> tuple[int | None, int | None]:
    return (None, None) if fact.spec is None else (fact.spec.minimum, fact.spec.maximum)


def _range(fact: Fact) -> str:
    low, high = _limits(fact)
    if high is None:
        return f"{low} or more"
    return f"{high} or less" if low is None else f"{low} to {high}"


def _number(node: Node) -> Decimal | None:
    if isinstance(node, Negative):
        inner = _number(node.operand)
        return None if inner is None else -inner
    return node.value if isinstance(node, Written) and isinstance(node.value, Decimal) else None


def _never_in_range(rule: RuleModel) -> bool:
    limits: list[Formula] = []
    for number in rule.variables:
        variable = rule.space.variables[number]
        declared = variable.mask(variable.declared)
        if variable.fact is not None and rule.space.known[number] & ~declared:
            allowed = declared | (rule.space.universes[number] & 1)
            if not allowed & rule.matches_in(number):
                return True
            limits.append(Literal(number, allowed))
    if not limits or all(
        rule.matches_in(one.variable) & one.mask == rule.matches_in(one.variable)
        for one in limits
        if isinstance(one, Literal)
    ):
        return False
    try:
        return Search(rule.space.universes, MOST_STEPS).find([rule.matches, *limits]) is None
    except OutOfStepsError:
        return False
