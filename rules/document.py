"""A ruleset as authored: the YAML grammar read into drafts, every fault reported, no meaning given yet.

A draft holds what could be read; a part at fault was reported and is left out. Positions of values that later
checks may complain about (names, conditions, references) travel with them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from engine.core.actions import Actions, Priority
from engine.core.facts import JsonValue
from engine.core.ruleset import Mode, Trigger
from engine.email_address import normalize
from rules import limits, yaml_nodes
from rules.fields import Fields, Placed, listed, wrong_type
from rules.report import Report
from rules.source import Source
from rules.suggestions import did_you_mean
from rules.tree import Span
from rules.yaml_nodes import Broken, Scalar, Sequence, YamlNode

RULESET_KEYS = ("version", "timezone", "rules", "fallback")
RULE_KEYS = ("name", "description", "when", "then", "stop", "mode", "canary", "on", "override")
_REFERENCES = ("assign_agent", "assign_team", "route_to", "webhook")
ACTION_KEYS = (*_REFERENCES, "priority", "add_tags", "remove_tags", "set_attributes", "note")
GRAMMAR_VERSION = 1
_CREATED = frozenset({Trigger.CREATED.value})


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionsDraft:
    """The actions of a rule or of the fallback, with the places of names that must exist elsewhere."""

    actions: Actions
    span: Span
    references: tuple[tuple[str, Placed], ...] = ()
    tags: tuple[tuple[str, Placed], ...] = ()
    """Each tag with the key it stands under."""
    is_whole: bool = True
    """False if something in it could not be read, so that nothing can be said about what is missing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleDraft:
    """A rule as far as it could be read."""

    span: Span
    name: Placed | None
    description: str | None
    when: Scalar | None
    then: ActionsDraft | None
    stop: bool | None
    mode: Mode
    canary: int
    on: frozenset[str]
    override: bool


class PlacedRule(NamedTuple):
    """A rule and the part of the file it was read from."""

    draft: RuleDraft
    source: Source
    lines_before: int = 0
    """Lines of the file above that part."""

    @property
    def name(self) -> str | None:
        """Return what the rule is called."""
        return None if self.draft.name is None else self.draft.name.text

    def report(self, report: Report) -> Report:
        """Return the view of `report` for this rule."""
        return report.within(self.place, self.name)

    @property
    def place(self) -> Source:
        """Return the source that knows where in the file its part stands."""
        return replace(self.source, hidden_lines=self.lines_before) if self.lines_before else self.source


@dataclass(frozen=True, slots=True, kw_only=True)
class RulesetDraft:
    """A ruleset as far as it could be read."""

    timezone: str
    rules: tuple[PlacedRule, ...]
    fallback: ActionsDraft | None


def read_document(report: Report, pieces: Callable[[str], tuple[PlacedRule, ...]] | None = None) -> RulesetDraft | None:
    """Return what the report's source says, reporting every fault; None if it is no ruleset at all.

    `pieces` reads the rules elsewhere, given the time zone; else they stand in the source itself.
    """
    root = report.source.root
    if root is None:
        if not report.source.faults:
            report.add("empty", "the ruleset is empty", Span(0, 0), hint="it needs `version`, `rules` and `fallback`")
        return None
    if not isinstance(root, yaml_nodes.Mapping):
        wrong_type(report, root, "a ruleset", "a mapping with `version`, `rules` and `fallback`")
        return None
    fields = Fields(root, report, RULESET_KEYS, "a ruleset")
    if report.source.is_whole:
        fields.require("version", "rules", "fallback")
    _version(fields)
    timezone = _timezone(fields)
    rules = _rules(fields) if pieces is None else pieces(timezone)
    return RulesetDraft(timezone=timezone, rules=rules, fallback=_actions(fields, "fallback"))


def _version(fields: Fields) -> None:
    node = fields.node("version")
    if node is None:
        return
    value = node.value if isinstance(node, Scalar) else None
    if type(value) is not int or value != GRAMMAR_VERSION:  # true equals 1, and 1.0 does
        fields.report.add("wrong_version", "the only version is 1", node.span, hint="write `version: 1`")


def _timezone(fields: Fields) -> str:
    name = fields.text("timezone")
    if name is None:
        return "UTC"
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        hint = "write a name such as `Europe/Berlin` or `UTC`"
        fields.report.add(
            "unknown_timezone", f"there is no time zone called `{name}`", fields.span("timezone"), hint=hint
        )
        return "UTC"
    return name


def _rules(fields: Fields) -> tuple[PlacedRule, ...]:
    node = fields.node("rules")
    if node is None:
        return ()
    if not isinstance(node, Sequence):
        wrong_type(fields.report, node, "`rules`", "a list of rules")
        return ()
    if len(node.items) > limits.MAX_RULES:
        message = f"there are {len(node.items)} rules, the limit is {limits.MAX_RULES}"
        fields.report.add("too_many_rules", message, node.items[limits.MAX_RULES].span)
        return ()
    drafts = (read_rule(item, fields.report) for item in node.items if not isinstance(item, Broken))
    return tuple(PlacedRule(draft, fields.report.source) for draft in drafts if draft is not None)


def read_rule(node: YamlNode, report: Report) -> RuleDraft | None:
    """Return what an item under `rules` says, reporting every fault; None if it is no rule at all."""
    if not isinstance(node, yaml_nodes.Mapping):
        wrong_type(report, node, "a rule", "a mapping with `name`, `when` and `then`")
        return None
    name = next((value.text for key, value in node.entries if key.text == "name" and isinstance(value, Scalar)), None)
    fields = Fields(node, report.about(name or None), RULE_KEYS, "a rule")
    fields.require("name", "when", "then")
    written = fields.text("name")
    return RuleDraft(
        span=node.span,
        name=None if written is None else Placed(text=written, span=fields.span("name")),
        description=fields.text("description", may_be_empty=True),
        when=_when(fields),
        then=_actions(fields, "then"),
        stop=fields.boolean("stop"),
        mode=fields.choice("mode", Mode) or Mode.LIVE,
        canary=_canary(fields),
        on=_on(fields),
        override=fields.boolean("override") or False,
    )


def _when(fields: Fields) -> Scalar | None:
    node = fields.node("when")
    if node is None:
        return None
    if not isinstance(node, Scalar):
        hint = "put the condition in single quotes, or on its own line after `when: |`"
        wrong_type(fields.report, node, "`when`", "a condition", hint=hint)
        return None
    # `when: true` is a condition, whatever else YAML takes it for.
    if not node.text.strip() or (node.style is None and node.value is None):
        fields.report.add("empty_condition", "`when` is empty", _or_key(node, fields, "when"), hint="write a condition")
        return None
    return node


def _canary(fields: Fields) -> int:
    node = fields.node("canary")
    if node is None:
        return 100
    value = node.value if isinstance(node, Scalar) else None
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= 100:  # noqa: PLR2004  # percent
        hint = "write a whole number from 0 to 100"
        fields.report.add("bad_canary", "`canary` is a percentage from 0 to 100", node.span, hint=hint)
        return 100
    return value


def _on(fields: Fields) -> frozenset[str]:
    if not fields.has("on"):
        return _CREATED
    placed = fields.texts("on")
    known = [trigger.value for trigger in Trigger]
    for one in placed:
        if one.text not in known:
            hint = did_you_mean(one.text, known) or f"write {listed(known)}"
            fields.report.add("unknown_value", f"there is no trigger called `{one.text}`", one.span, hint=hint)
    chosen = frozenset(one.text for one in placed if one.text in known)
    if not placed and isinstance(node := fields.node("on"), Sequence) and not node.items:
        fields.report.add("empty_list", "`on` names no trigger", node.span, hint=f"write {listed(known)}")
    return chosen or _CREATED


def _actions(fields: Fields, key: str) -> ActionsDraft | None:
    node = fields.node(key)
    if node is None:
        return None
    if not isinstance(node, yaml_nodes.Mapping):
        wrong_type(fields.report, node, f"`{key}`", "a mapping of actions", hint="write `{assign_team: support}`")
        return None
    before = fields.report.count
    inner = Fields(node, fields.report, ACTION_KEYS, f"`{key}`")
    names = {name: inner.text(name) for name in (*_REFERENCES, "note") if inner.has(name)}
    added, removed = (inner.texts(key) if inner.has(key) else () for key in ("add_tags", "remove_tags"))
    agent, note, webhook = names.get("assign_agent"), names.get("note"), names.get("webhook")
    if agent is not None and normalize(agent) is None:
        hint = "write `ada@example.com`"
        fields.report.add("bad_email", f"`{agent}` is no e-mail address", inner.span("assign_agent"), hint=hint)
    actions = Actions(
        assign_agent=agent,
        assign_team=names.get("assign_team"),
        route_to=names.get("route_to"),
        priority=inner.choice("priority", Priority),
        add_tags=_distinct(added),
        remove_tags=_distinct(removed),
        set_attributes=_attributes(inner),
        notes=() if note is None else (note,),
        webhooks=() if webhook is None else (webhook,),
    )
    return ActionsDraft(
        actions=actions,
        span=node.span if node.entries else _or_key(node, fields, key),
        references=tuple(
            (name, Placed(text=text, span=inner.span(name)))
            for name in _REFERENCES
            if (text := names.get(name)) is not None
        ),
        tags=(*(("add_tags", tag) for tag in added), *(("remove_tags", tag) for tag in removed)),
        is_whole=fields.report.count == before and not any(isinstance(value, Broken) for _, value in node.entries),
    )


def _attributes(fields: Fields) -> Mapping[str, JsonValue]:
    node = fields.node("set_attributes")
    if node is None:
        return {}
    if not isinstance(node, yaml_nodes.Mapping):
        hint = "write `{tier: gold}`"
        wrong_type(fields.report, node, "`set_attributes`", "a mapping of names to values", hint=hint)
        return {}
    attributes: dict[str, JsonValue] = {}
    for key, value in node.entries:
        if not isinstance(key.value, str) or not key.text:
            wrong_type(fields.report, key, "the name of an attribute", "text", hint=f'write `"{key.text}"`')
        elif key.text.startswith("stripe_"):
            message = f"`{key.text}` is kept for Stripe's facts"
            fields.report.add("reserved_attribute", message, key.span, hint="choose another name")
        elif not isinstance(value, Broken):
            attributes[key.text] = _json(value, fields.report)
    return attributes


def _json(node: YamlNode, report: Report) -> JsonValue:
    match node:
        case Sequence():
            return [_json(item, report) for item in node.items if not isinstance(item, Broken)]
        case yaml_nodes.Mapping():
            return {key.text: _json(value, report) for key, value in node.entries if not isinstance(value, Broken)}
        case Scalar():
            value = node.value
            if isinstance(value, Decimal):
                return float(value)
            if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 1 << 63:
                report.add("number_too_large", "the number needs more than 64 bits", node.span, hint="put it in quotes")
                return None
            return value
        case _:
            return None


def _distinct(placed: tuple[Placed, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one.text for one in placed))


def _or_key(node: YamlNode, fields: Fields, key: str) -> Span:
    return node.span if node.span.end > node.span.start else fields.key_span(key)
