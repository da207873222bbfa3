"""A ruleset, checked: text in, a ruleset that can be compiled or every diagnostic at once.

Nothing downstream takes unchecked rules: the only way to a `CheckedRuleset` is `check`.
"""

import bisect
import functools
import itertools
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import tzinfo
from typing import NamedTuple
from zoneinfo import ZoneInfo

from engine.core.actions import Actions
from engine.core.facts import FactCatalog
from engine.core.ruleset import Mode
from engine.workspace.models import References
from rules import limits
from rules.checks import RULE_CHECKS, ruleset_checks
from rules.collecting import paused
from rules.conditions import CheckedCondition, check_condition
from rules.diagnostics import Diagnostic
from rules.document import PlacedRule, RuleDraft, RulesetDraft, read_document, read_rule
from rules.patterns import compile_pattern
from rules.pieces import cut
from rules.report import Report
from rules.source import Source, is_readable, read
from rules.tree import Literal, Match, Node, Span, walk
from rules.yaml_nodes import Mapping, Scalar, Sequence


class UsedPattern(NamedTuple):
    """A regular expression, whether it is anchored at the start, and how many instructions it compiles to."""

    text: str
    anchored: bool
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedRule:
    """A rule without a fault."""

    name: str
    description: str | None
    text: str
    """The condition as it was written."""
    tree: Node
    patterns: frozenset["UsedPattern"]
    """The regular expressions in it."""
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
    text = text.removeprefix("\ufeff")
    with paused():
        return _check_pieces(text, catalog, references) or _check_whole(text, catalog, references)


def _check_whole(text: str, catalog: FactCatalog, references: References | None) -> CheckResult:
    source = read(text)
    report = Report(source=source)
    draft = read_document(report)
    for fault in source.faults:
        about = report.about(None if draft is None else _rule_around(draft, fault.span))
        about.add(fault.code, fault.message, fault.span, hint=fault.hint)
    if draft is None:
        return _result(None, report)
    zone = ZoneInfo(draft.timezone)
    rules = [_check_rule(rule.draft, rule.report(report), catalog, zone) for rule in draft.rules]
    return _result(_assemble(draft, rules, report, references), report)


def _rule_around(draft: RulesetDraft, span: Span) -> str | None:
    """Return the name of the rule that `span` stands in."""
    index = bisect.bisect_right(draft.rules, span.start, key=lambda rule: rule.draft.span.start) - 1
    if index < 0 or span.start >= draft.rules[index].draft.span.end:
        return None
    return draft.rules[index].name


def _result(checked: CheckedRuleset | None, report: Report) -> CheckResult:
    diagnostics = report.sorted()
    has_errors = any(diagnostic.is_error for diagnostic in diagnostics)
    return CheckResult(ruleset=None if has_errors else checked, diagnostics=diagnostics)


def _assemble(
    draft: RulesetDraft, rules: Iterable[CheckedRule | None], report: Report, references: References | None
) -> CheckedRuleset | None:
    """Run the checks of the whole ruleset and put its rules together."""
    for check_ruleset in ruleset_checks(references):
        check_ruleset(draft, report)
    whole = tuple([rule for rule in rules if rule is not None])
    _limit_patterns(draft, rules, report)
    if draft.fallback is None or len(whole) < len(draft.rules):
        return None
    return CheckedRuleset(timezone=draft.timezone, rules=whole, fallback=draft.fallback.actions)


def _check_rule(draft: RuleDraft, report: Report, catalog: FactCatalog, zone: tzinfo) -> CheckedRule | None:
    for check_rule in RULE_CHECKS:
        check_rule(draft, report)
    if draft.when is None:
        return None
    condition = check_condition(draft.when.text, catalog, zone)
    if condition.findings:
        _report_findings(condition, draft.when, report)
    return None if condition.tree is None else _checked_rule(draft, condition.tree)


# in pieces


@dataclass(frozen=True, slots=True, kw_only=True)
class _Piece:
    """One rule, read and checked by itself."""

    source: Source
    draft: RuleDraft | None
    rule: CheckedRule | None
    diagnostics: tuple[Diagnostic, ...]
    is_readable: bool


def _check_pieces(text: str, catalog: FactCatalog, references: References | None) -> CheckResult | None:
    """Return the outcome of checking the text rule by rule, or None if it can't be cut into rules."""
    parts = cut(text) if len(text) <= limits.MAX_RULESET_BYTES else None
    if parts is None or len(parts.pieces) > limits.MAX_RULES:
        return None
    lines = [piece.count("\n") for piece in parts.pieces]
    frame = replace(read(parts.frame), hidden_after=parts.lines_before + 1, hidden_lines=sum(lines) - 1)
    if not _has_placeholder(frame, parts.placeholder):
        return None
    report = Report(source=frame)
    for fault in frame.faults:
        report.add(fault.code, fault.message, fault.span, hint=fault.hint)
    pieces: list[_Piece | None] = []

    def read_pieces(timezone: str) -> tuple[PlacedRule, ...]:
        zone = ZoneInfo(timezone)
        pieces.extend(_piece(piece, catalog, zone) for piece in parts.pieces)
        before = itertools.accumulate(lines, initial=parts.lines_before)
        placed = [(piece, lines) for piece, lines in zip(pieces, before, strict=False) if piece is not None]
        for piece, lines_before in placed:
            if piece.diagnostics:
                report.include(piece.diagnostics, lines_before)
        return tuple([PlacedRule(piece.draft, piece.source, n) for piece, n in placed if piece.draft is not None])

    draft = read_document(report, read_pieces)
    whole = [piece for piece in pieces if piece is not None]
    if draft is None or len(whole) < len(pieces):
        return None
    if not all(piece.is_readable for piece in whole) and is_readable(text):
        return None  # a quoted text goes on over what looks like a rule
    rules = [piece.rule for piece in whole if piece.draft is not None]
    return _result(_assemble(draft, rules, report, references), report)


def _has_placeholder(frame: Source, place: int) -> bool:
    """Return whether the frame was read as a mapping whose `rules` are one item, the one that was put there."""
    if not isinstance(frame.root, Mapping) or any(fault.code == "yaml_syntax" for fault in frame.faults):
        return False
    rules = next((value for key, value in frame.root.entries if key.text == "rules"), None)
    return isinstance(rules, Sequence) and len(rules.items) == 1 and rules.items[0].span.start == place


@functools.lru_cache(maxsize=2 * limits.MAX_RULES)
def _piece(text: str, catalog: FactCatalog, zone: tzinfo) -> _Piece | None:
    """Return one rule read by itself, its lines counted from its own first; None if it is not exactly one item."""
    source = read(text)
    if not source.is_whole or not isinstance(source.root, Sequence) or len(source.root.items) != 1:
        return None
    report = Report(source=source)
    (item,) = source.root.items
    draft = read_rule(item, report)
    about = report.about(None if draft is None or draft.name is None else draft.name.text)
    for fault in source.faults:
        about.add(fault.code, fault.message, fault.span, hint=fault.hint)
    return _Piece(
        source=Source(text=text, root=None, faults=()),  # without the tree, which nobody needs any more
        draft=draft,
        rule=None if draft is None else _check_rule(draft, about, catalog, zone),
        diagnostics=report.sorted(),
        is_readable=all(fault.code != "yaml_syntax" for fault in source.faults),
    )


# conditions


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


def _limit_patterns(draft: RulesetDraft, rules: Iterable[CheckedRule | None], report: Report) -> None:
    """Report the rule with which the patterns become too many, and the one with which they become too large."""
    patterns: set[UsedPattern] = set()
    size = 0
    for placed, rule in zip(draft.rules, rules, strict=True):
        if rule is None or not rule.patterns or placed.draft.when is None:
            continue
        count, before = len(patterns), size
        size += sum(pattern.size for pattern in rule.patterns - patterns)
        patterns |= rule.patterns
        if count <= limits.MAX_PATTERNS < len(patterns):
            message = f"the ruleset has more than {limits.MAX_PATTERNS} different regular expressions"
            hint = 'use `.starts_with("…")` or `in` where they will do'
            placed.report(report).add("too_many_patterns", message, placed.draft.when.span, hint=hint)
        if before <= limits.MAX_PATTERNS_PROGRAM < size:
            message = "the regular expressions of the ruleset are too large together"
            hint = (
                r"write `[a-z0-9]` for `\w` and `[0-9]` for `\d`: those stand for the letters and digits of all scripts"
            )
            placed.report(report).add("patterns_too_large", message, placed.draft.when.span, hint=hint)


def _checked_rule(rule: RuleDraft, tree: Node | None) -> CheckedRule | None:
    if rule.name is None or rule.when is None or rule.then is None or tree is None:
        return None
    return CheckedRule(
        name=rule.name.text,
        description=rule.description,
        text=rule.when.text,
        tree=tree,
        patterns=_patterns(tree) if "~" in rule.when.text else frozenset(),
        actions=rule.then.actions,
        stop=rule.stop or False,
        mode=rule.mode,
        canary=rule.canary,
        on=rule.on,
        override=rule.override,
    )


def _patterns(tree: Node) -> frozenset[UsedPattern]:
    """Return the regular expressions of a sound condition."""
    found = set()
    for node in walk(tree):
        if isinstance(node, Match) and isinstance(node.right, Literal) and isinstance(node.right.value, str):
            text, anchored = node.right.value, not node.operator.endswith("~~")
            found.add(UsedPattern(text, anchored, compile_pattern(text, anchored=anchored).program_size))
    return frozenset(found)
