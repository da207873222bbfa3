"""What the page of one decision shows: how every rule was checked, and what it came to. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from engine.core.explain import REASONS, sentences
from engine.core.facts import Reason
from engine.core.outcome import Outcome
from engine.core.slots import attribute_slot, tag_slot
from engine.inbox.models import DecisionRecord
from engine.inbox.service import Thread
from engine.inbox.views import why_lines
from web.billing import FACTS as BILLING_FACTS
from web.billing import closed_lines
from web.screens.inbox_view import subject_of
from web.screens.page import Pill

Json = Mapping[str, Any]

CLOSED = "Your membership does not include billing data, so it is not shown what each rule looked at."
MOST_RULES = 400
"""A page with more rules than these serves nobody; those that had a say are always shown."""

OUTCOMES = {
    "matched": Pill(text="Matched", icon="check-circle", tone="good"),
    "not_matched": Pill(text="Not matched", icon="cross"),
    "unknown": Pill(text="Unknown", icon="question", tone="warn"),
    "shadow": Pill(text="Matched in shadow", icon="ghost", tone="info"),
    "not_reached": Pill(text="Not reached", icon="dash", tone="line"),
    "draft": Pill(text="Draft", icon="note", tone="line"),
    "not_triggered": Pill(text="Not checked on this", icon="dash", tone="line"),
}
TELLING = frozenset({"matched", "unknown", "shadow"})
STOPPED = Pill(text="Ended the check", icon="pause", tone="accent")
EFFECTS = {
    Outcome.APPLIED: Pill(text="Applied", icon="check", tone="good"),
    Outcome.KEPT: Pill(text="A person's choice was kept", icon="user", tone="info"),
    Outcome.FAILED: Pill(text="Could not be done", icon="cross-circle", tone="bad"),
}
SLOTS = {
    "assign_agent": "Agent",
    "assign_team": "Team",
    "route_to": "Queue",
    "priority": "Priority",
    "add_tag": "Tag",
    "remove_tag": "Tag removed",
    "set_attribute": "Attribute",
    "note": "Note",
    "webhook": "Webhook",
}
OCCASIONS = {
    "created": "made when it arrived",
    "message": "made when a message came",
    "facts_changed": "made when the customer's billing changed",
}
RESULTS = {
    "true": ("true", "check", "true"),
    "false": ("false", "cross", "not true"),
    "unknown": ("unknown", "question", "unknown"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeView:
    """One part of a condition."""

    result: str
    icon: str
    word: str
    text: str
    value: str
    children: tuple["NodeView", ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleView:
    """One rule as it was checked."""

    number: int
    name: str
    pill: Pill
    marks: tuple[Pill, ...]
    text: str
    tree: tuple[NodeView, ...]
    note: str
    """What stood in the way, or what would have made it match."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeView:
    """What became of one action."""

    slot: str
    value: str
    owner: str
    pill: Pill
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FactView:
    """One fact as it was then."""

    name: str
    value: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherView:
    """A link to another decision of the conversation."""

    url: str
    text: str
    current: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceView:
    """One decision."""

    url: str
    subject: str
    number: int
    occasion: str
    at: datetime
    version: int
    others: tuple[OtherView, ...]
    sentences: tuple[str, ...]
    outcomes: tuple[OutcomeView, ...]
    rules: tuple[RuleView, ...]
    missing: str
    facts: tuple[FactView, ...]


def url_of(conversation_id: str, number: int) -> str:
    """Return the address of a decision's page."""
    return f"/conversations/{conversation_id}/decisions/{number}"


def trace_view(thread: Thread, record: DecisionRecord, rules: Sequence[Any], *, sees_billing: bool = True) -> TraceView:
    """Return what to show of `record`; `rules` is its trace, empty when it cannot be recomputed or is not for you."""
    conversation = thread.conversation
    shown = list(_rules(rules))
    lines = why_lines(record)
    return TraceView(
        url=f"/conversations/{conversation.id}",
        subject=subject_of(conversation),
        number=record.number,
        occasion=OCCASIONS.get(record.on, record.on),
        at=record.created_at,
        version=record.ruleset_version,
        others=_others(thread, record),
        sentences=sentences(lines if sees_billing else closed_lines(lines)),
        outcomes=tuple(_outcomes(record)),
        rules=tuple(shown),
        missing=_missing(record, rules, len(shown)) if sees_billing else CLOSED,
        facts=tuple(fact for fact in _facts(record) if sees_billing or fact.name not in BILLING_FACTS),
    )


def _others(thread: Thread, record: DecisionRecord) -> tuple[OtherView, ...]:
    if len(thread.decisions) == 1:
        return ()
    return tuple(
        OtherView(
            url=url_of(thread.conversation.id, other.number),
            text=f"Decision {other.number}",
            current=other.number == record.number,
        )
        for other in reversed(thread.decisions)
    )


def _missing(record: DecisionRecord, rules: Sequence[Json], shown: int) -> str:
    if not rules and record.ruleset_version:
        return f"Version {record.ruleset_version} of the rules can't be checked again, so its parts are not shown."
    if shown < len(rules):
        return f"{len(rules) - shown:,} rules that did not match are left out here."
    return ""


def _rules(rules: Sequence[Json]) -> Iterator[RuleView]:
    for number, rule in enumerate(rules, 1):
        if number <= MOST_RULES or rule["outcome"] in TELLING:
            yield _rule(number, rule)


def _rule(number: int, rule: Json) -> RuleView:
    outcome = str(rule["outcome"])
    was_judged = outcome not in {"draft", "not_reached", "not_triggered"}
    lost = [SLOTS.get(slot, slot).lower() for slot in rule.get("lost") or ()]
    return RuleView(
        number=number,
        name=str(rule["rule"]),
        pill=OUTCOMES.get(outcome, Pill(text=outcome, icon="question")),
        marks=(STOPPED,) if rule.get("stopped") else (),
        text=str(rule["condition"]).strip(),
        tree=(_node(rule["tree"]),) if was_judged and rule.get("tree") else (),
        note=f"An earlier rule had decided the {' and the '.join(lost)} already." if lost else _missed(rule),
    )


def _missed(rule: Json) -> str:
    """Return the nearest change that would have made a rule match, or the facts that it lacked, as a sentence."""
    if rule.get("nearest"):
        text = str(rule["nearest"]["text"])
        return f"It {text}."
    lacking = [str(one["text"]) for one in rule.get("lacking") or ()]
    return f"It could not be judged: {', '.join(lacking)}." if lacking else ""


def _node(part: Json) -> NodeView:
    key = {True: "true", False: "false"}.get(part["result"], str(part["result"]))
    result, icon, word = RESULTS.get(key, ("value", "dot", ""))
    return NodeView(
        result=result,
        icon=icon,
        word=word,
        text=str(part["text"]),
        value=_value(part),
        children=tuple(_node(child) for child in part.get("parts") or () if _tells(child)),
    )


def _tells(part: Json) -> bool:
    """Return whether a part tells more than its text: a literal does not."""
    return "fact" in part or bool(part.get("parts")) or isinstance(part["result"], bool) or part["result"] == "unknown"


def _value(part: Json) -> str:
    if "error" in part:
        return str(part["error"]["message"])
    if part["result"] == "unknown" and "fact" in part:
        reason = part.get("reason")
        return REASONS[Reason(reason)] if reason else "no value was given"
    if "value" in part:
        cut = f" (the first {part['cut']:,} characters)" if part.get("cut") else ""
        return f"is {shown_value(part['value'])}{cut}"
    return ""


def shown_value(value: object) -> str:
    """Return a fact's value as a person reads it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(shown_value, value)) or "empty"
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {shown_value(item)}" for key, item in value.items()) or "empty"
    return str(value) if value != "" else "empty"


def _outcomes(record: DecisionRecord) -> Iterator[OutcomeView]:
    for effect in record.effects:
        yield OutcomeView(
            slot=SLOTS.get(effect.action, effect.action),
            value=shown_value(effect.value),
            owner=_owner(record, effect.action, effect.value),
            pill=EFFECTS[effect.outcome],
            message=effect.message or "",
        )


def _owner(record: DecisionRecord, action: str, value: object) -> str:
    slots = {"add_tag": tag_slot, "remove_tag": tag_slot, "set_attribute": attribute_slot}
    slot = slots[action](str(value)) if action in slots else action
    owner = record.decision.owners.get(slot)
    if owner is None:
        return ""
    return owner.rule or "Fallback"


def _facts(record: DecisionRecord) -> Iterator[FactView]:
    for name, value in sorted(record.facts.items()):
        yield FactView(name=name, value=shown_value(value), reason="")
    for name, reason in sorted(record.reasons.items()):
        yield FactView(name=name, value="", reason=REASONS[Reason(reason)])
