"""A ruleset, checked: text in, a ruleset that can be compiled or every diagnostic at once.

Nothing downstream takes unchecked rules: the only way to a `CheckedRuleset` is `check`.
"""

import bisect
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from engine.core.actions import Actions
from engine.core.facts import FactCatalog
from engine.core.ruleset import Mode
from engine.workspace.models import References
from rules import limits
from rules.checks import ruleset_checks
from rules.conditions import CheckedCondition, check_condition
from rules.diagnostics import Diagnostic
from rules.document import RuleDraft, RulesetDraft, read_document
from rules.report import Report
from rules.source import Scalar, Source, read
from rules.tree import Match, Node, Span, walk


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedRule:
    """A rule without a fault."""

    name: str
    description: str | None
    text: str
    """The condition as it was written."""
    tree: Node
    actions: Actions
    stop: bool
    mode: Mode
    canary: int
    on: frozenset[str]
    override: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedRuleset:
    """A ruleset without a fault."""

    timezone: str
    rules: tuple[CheckedRule, ...]
    fallback: Actions


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """The outcome of a check: the ruleset, set exactly when there is no error, and all diagnostics by position."""

    ruleset: CheckedRuleset | None
    diagnostics: tuple[Diagnostic, ...]

    @property
    def ok(self) -> bool:
        """Return whether the ruleset can run."""
        return self.ruleset is not None

    @property
    def errors(self) -> tuple[Diagnostic, ...]:
        """Return the diagnostics that forbid the ruleset."""
        return tuple(diagnostic for diagnostic in self.diagnostics if diagnostic.is_error)


def check(text: str, catalog: FactCatalog, references: References | None = None) -> CheckResult:
    """Return the ruleset `text` checked against `catalog`, and against existing names if `references` are given."""
    source = read(text)
    report = Report(source=source)
    draft = read_document(report)
    for fault in source.faults:
        about = report.about(None if draft is None else _rule_around(draft, fault.span))
        about.add(fault.code, fault.message, fault.span, hint=fault.hint)
    checked = None if draft is None else _check_draft(draft, report, catalog, references)
    diagnostics = report.sorted()
    has_errors = any(diagnostic.is_error for diagnostic in diagnostics)
    return CheckResult(ruleset=None if has_errors else checked, diagnostics=diagnostics)


def _rule_around(draft: RulesetDraft, span: Span) -> str | None:
    """Return the name of the rule that `span` stands in."""
    index = bisect.bisect_right(draft.rules, span.start, key=lambda rule: rule.span.start) - 1
    if index < 0 or span.start >= draft.rules[index].span.end:
        return None
    name = draft.rules[index].name
    return None if name is None else name.text


def _check_draft(
    draft: RulesetDraft, report: Report, catalog: FactCatalog, references: References | None
) -> CheckedRuleset | None:
    for check_ruleset in ruleset_checks(references):
        check_ruleset(draft, report)
    zone = ZoneInfo(draft.timezone)
    patterns: set[tuple[str, str]] = set()
    rules = []
    for rule in draft.rules:
        tree = None
        if rule.when is not None:
            about = report.about(None if rule.name is None else rule.name.text)
            condition = check_condition(rule.when.text, catalog, zone)
            _report_findings(condition, rule.when, about)
            tree = condition.tree
            if tree is not None and rule.when is not None:
                _count_patterns(tree, rule.when, patterns, about)
        rules.append(_checked_rule(rule, tree))
    if draft.fallback is None or any(rule is None for rule in rules):
        return None
    whole = tuple(rule for rule in rules if rule is not None)
    return CheckedRuleset(timezone=draft.timezone, rules=whole, fallback=draft.fallback.actions)


def _report_findings(condition: CheckedCondition, when: Scalar, report: Report) -> None:
    cut = _comment_after(when, report.source)
    for finding in condition.findings:
        report.add_finding(finding, when)
        if finding.code == "syntax" and cut is not None:
            hint = "put the condition in single quotes, or on its own line after `when: |`"
            report.add("cut_by_comment", "YAML takes the rest of this line for a comment", cut, hint=hint)
            cut = None


def _comment_after(when: Scalar, source: Source) -> Span | None:
    """Return where a comment begins right after a plain condition: it may have been meant as part of it."""
    if when.style is not None:
        return None
    line, _, _ = source.text[when.span.end :].partition("\n")
    stripped = line.lstrip()
    if not stripped.startswith("#"):
        return None
    start = when.span.end + len(line) - len(stripped)
    return Span(start, when.span.end + len(line.rstrip()))


def _count_patterns(tree: Node, when: Scalar, patterns: set[tuple[str, str]], report: Report) -> None:
    before = len(patterns)
    for node in walk(tree):
        if isinstance(node, Match):
            patterns.add((node.operator[-2:], str(getattr(node.right, "value", ""))))
    if before <= limits.MAX_PATTERNS < len(patterns):
        message = f"the ruleset has more than {limits.MAX_PATTERNS} different regular expressions"
        report.add("too_many_patterns", message, when.span, hint='use `.starts_with("…")` or `in` where they will do')


def _checked_rule(rule: RuleDraft, tree: Node | None) -> CheckedRule | None:
    if rule.name is None or rule.when is None or rule.then is None or tree is None:
        return None
    return CheckedRule(
        name=rule.name.text,
        description=rule.description,
        text=rule.when.text,
        tree=tree,
        actions=rule.then.actions,
        stop=rule.stop or False,
        mode=rule.mode,
        canary=rule.canary,
        on=rule.on,
        override=rule.override,
    )
