"""Rule names are unique."""

from rules.document import RulesetDraft
from rules.fields import Placed
from rules.report import Report


def check(draft: RulesetDraft, report: Report) -> None:
    """Report each name that an earlier rule has."""
    first: dict[str, Placed] = {}
    for rule in draft.rules:
        if rule.name is None:
            continue
        earlier = first.setdefault(rule.name.text, rule.name)
        if earlier is not rule.name:
            line, _ = report.source.position(earlier.span.start)
            message = f"there is already a rule called `{rule.name.text}` on line {line}"
            hint = "give one of them another name"
            report.about(rule.name.text).add("duplicate_name", message, rule.name.span, hint=hint)
