"""Why a ruleset decided as it did: for every rule a tree of its parts with values and results, as plain JSON.

Recomputed from a version's text and a snapshot of facts, so that nothing of it needs to be stored. The interpreter
does the work, whatever else may have decided; a part's result is `true`, `false`, `unknown`, or its value.
"""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from engine.core.decide import decide, judge
from engine.core.explain import unknown_in_words
from engine.core.facts import Facts, JsonValue, Reason, format_instant
from engine.core.ruleset import Mode
from rules import limits
from rules.check import CheckedRule, CheckedRuleset
from rules.compile import interpreted_ruleset
from rules.interpret import Evaluation
from rules.kinds import Kind
from rules.nearest import nearest_change
from rules.tree import Collection, Fact, Literal, Node
from rules.values import Unknown, Value, kind_of

LONGEST_TEXT = 200
MOST_NEAREST = 100
"""The nearest change is sought for rules among the first so many; nobody reads on."""
MOST_ITEMS = 50


def trace(
    checked: CheckedRuleset,
    facts: Facts,
    *,
    now: datetime,
    on: str = "created",
    conversation_id: str | None = None,
    currency: str | None = None,
) -> list[JsonValue]:
    """Return, for each rule in order, its outcome and the tree of its condition; `currency` is that of amounts.

    A rule that did not match says the nearest change that would have made it match (`nearest`, of the first rules
    only), one that is unknown which facts it lacks and why (`lacking`).

    An outcome is `matched`, `not_matched`, `unknown`, `shadow` (matched, but changes nothing), `not_reached` (a rule
    above stopped the check), `draft`, or `not_triggered` (it is not checked on `on`).
    """
    compiled = interpreted_ruleset(checked)
    judged = {one.rule.name: one for one in judge(compiled, facts, now=now, on=on, conversation_id=conversation_id)}
    decision = decide(compiled, facts, now=now, on=on, conversation_id=conversation_id)
    slots: dict[str, list[str]] = {}
    for slot, owner in decision.owners.items():
        if owner.rule is not None:
            slots.setdefault(owner.rule, []).append(slot)
    traces: list[JsonValue] = []
    for rule in checked.rules:
        outcome = _unjudged(rule, on)
        if rule.name in judged:
            one = judged[rule.name]
            outcome = _judged(one.verdict.result, is_live=one.is_live)
        found: dict[str, JsonValue] = {}
        if outcome == "not_matched" and len(traces) < MOST_NEAREST:
            nearest = nearest_change(rule.tree, facts, now=now, zone=ZoneInfo(checked.timezone), currency=currency)
            found["nearest"] = None if nearest is None else nearest.to_json()
        elif outcome == "unknown":
            found["lacking"] = _lacking(judged[rule.name].verdict.unknown, facts)
        traces.append(
            {
                "rule": rule.name,
                "outcome": outcome,
                "stopped": decision.stopped_by == rule.name,
                "condition": rule.text,
                "set": list[JsonValue](slots.get(rule.name, [])),
                "lost": list[JsonValue](_lost(rule, slots.get(rule.name, []), outcome)),
                "tree": trace_condition(rule.tree, rule.text, facts, now=now, timezone=checked.timezone),
                **found,
            }
        )
    return traces


def trace_condition(tree: Node, text: str, facts: Facts, *, now: datetime, timezone: str) -> dict[str, JsonValue]:
    """Return the tree of one condition: text, result, value, and for an unknown fact the reason."""
    return _part(tree, text, Evaluation(facts, now, ZoneInfo(timezone)))


def _lacking(names: tuple[str, ...], facts: Facts) -> list[JsonValue]:
    """Return the facts that an unknown condition lacks, each with its reason and a sentence."""
    reasons = {name: reason.value for name, reason in facts.reasons.items()}
    return [{"fact": name, "reason": reasons.get(name), "text": unknown_in_words(name, reasons)} for name in names]


def _unjudged(rule: CheckedRule, on: str) -> str:
    if rule.mode is Mode.DRAFT:
        return "draft"
    return "not_reached" if on in rule.on else "not_triggered"


def _judged(result: bool | None, *, is_live: bool) -> str:  # noqa: FBT001  # a verdict's result
    if result is None:
        return "unknown"
    if result:
        return "matched" if is_live else "shadow"
    return "not_matched"


def _lost(rule: CheckedRule, won: list[str], outcome: str) -> list[str]:
    """Return the single slots a matching rule asked for and an earlier rule had set."""
    if outcome != "matched":
        return []
    asked = {
        "assign_agent": rule.actions.assign_agent,
        "assign_team": rule.actions.assign_team,
        "route_to": rule.actions.route_to,
        "priority": rule.actions.priority,
    }
    return [slot for slot, value in asked.items() if value is not None and slot not in won]


def _part(node: Node, text: str, evaluation: Evaluation) -> dict[str, JsonValue]:
    value = evaluation.value(node)
    part: dict[str, JsonValue] = {
        "text": text[node.span.start : node.span.end],
        "span": [node.span.start, node.span.end],
        "result": _result(value),
    }
    if isinstance(value, Unknown):
        part.update(_why(node, value, evaluation.facts))
    elif not isinstance(value, bool):
        part["value"] = to_json(value)
    if isinstance(node, Fact) and node.spec is not None:
        part["fact"] = node.spec.name
        given = evaluation.facts.get(node.spec.name)
        if isinstance(given, str) and len(given) > limits.MAX_TEXT_FACT:
            part["cut"] = limits.MAX_TEXT_FACT
    if not _is_plain(node):
        part["parts"] = [_part(child, text, evaluation) for child in node.children]
    return part


def _is_plain(node: Node) -> bool:
    """Return whether the parts of `node` would tell nothing more: a name, a literal, a list of literals."""
    if isinstance(node, Collection):
        return all(isinstance(item, Literal) for item in node.items)
    return not node.children


def _result(value: Value | Unknown) -> JsonValue:
    if isinstance(value, Unknown):
        return "unknown"
    return value if isinstance(value, bool) else "value"


def _why(node: Node, value: Unknown, facts: Facts) -> Mapping[str, JsonValue]:
    why: dict[str, JsonValue] = {}
    if value.error is not None:
        why["error"] = {"code": value.error.code, "message": value.error.message}
    if isinstance(node, Fact) and node.spec is not None:
        reason: Reason | None = facts.reasons.get(node.spec.name)
        why["reason"] = None if reason is None else reason.value
    return why


def to_json(value: Value | Unknown) -> JsonValue:  # noqa: PLR0911  # one line for each kind
    """Return a condition's value for people: numbers as text, dates as UTC, long texts and lists cut."""
    if isinstance(value, Unknown):
        return None
    match kind_of(value):
        case Kind.BOOLEAN:
            return bool(value)
        case Kind.TEXT:
            return str(value if len(value) <= LONGEST_TEXT else value[: LONGEST_TEXT - 1] + "…")
        case Kind.NUMBER:
            return _number(value)
        case Kind.INSTANT:
            return format_instant(value)
        case Kind.DURATION:
            return str(value)
        case Kind.LIST | Kind.SET:
            return [to_json(item) for item in list(value)[:MOST_ITEMS]]
        case _:
            return {str(key): str(item) for key, item in list(value.items())[:MOST_ITEMS]}


def _number(value: Decimal) -> str:
    is_short = -40 < value.adjusted() < 40  # noqa: PLR2004  # beyond that, zeros would fill the line
    return format(value, "f") if is_short else str(value)
