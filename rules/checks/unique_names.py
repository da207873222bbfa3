"""Rule names are unique."""

from rules.document import PlacedRule, RulesetDraft
from rules.report import Report


def check(draft: RulesetDraft, report: Report) -> None:
    """Report each name that an earlier rule has."""
    first: dict[str, PlacedRule] = {}
    for rule in draft.rules:
        name = rule.draft.name
        if name is None:
            continue
        earlier = first.setdefault(name.text, rule)
        if earlier is not rule and earlier.draft.name is not None:
            line, _ = earlier.place.position(earlier.draft.name.span.start)
            message = f"there is already a rule called `{name.text}` on line {line}"
            rule.report(report).add("duplicate_name", message, name.span, hint="give one of them another name")
