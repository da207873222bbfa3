"""Conditions about people rather than conversations: Stripe's facts and attributes, checked."""

from collections.abc import Iterator
from datetime import tzinfo

from engine.core.facts import FactCatalog, FactSpec, FactType, Source
from rules.conditions import CheckedCondition, check_condition
from rules.diagnostics import Diagnostic, Finding
from rules.tree import Fact, Node, walk


def is_about_people(spec: FactSpec) -> bool:
    """Return whether a fact belongs to a person: Stripe's do, and attributes, of which the person's own are meant."""
    return spec.source is Source.STRIPE or spec.type is FactType.MAPPING


def check_people_condition(text: str, catalog: FactCatalog, zone: tzinfo) -> CheckedCondition:
    """Return the condition `text` checked against `catalog`, conversation facts refused."""
    checked = check_condition(text, catalog, zone)
    if checked.tree is None:
        return checked
    refused = tuple(_refused(checked.tree))
    return CheckedCondition(
        tree=None if refused else checked.tree,
        findings=(*checked.findings, *refused),
    )


def to_diagnostic(finding: Finding, text: str) -> Diagnostic:
    """Return a finding in a condition that stands alone, with its place as line and column."""
    (line, column), (end_line, end_column) = (_place(text, at) for at in finding.span)
    return Diagnostic(
        code=finding.code,
        severity=finding.severity,
        message=finding.message,
        rule=None,
        line=line,
        column=column,
        end_line=end_line,
        end_column=end_column,
        hint=finding.hint,
    )


def _refused(tree: Node) -> Iterator[Finding]:
    for node in walk(tree):
        if isinstance(node, Fact) and node.spec is not None and not is_about_people(node.spec):
            yield Finding(
                code="conversation_fact",
                message=f"conversation facts can't be used to filter people, and `{node.name}` is one",
                span=node.span,
                hint="use Stripe's facts and `attributes`",
            )


def _place(text: str, at: int) -> tuple[int, int]:
    before = text[:at]
    return before.count("\n") + 1, at - (before.rfind("\n") + 1) + 1
