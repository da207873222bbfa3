"""A rule does not add and remove the same tag."""

from rules.document import ActionsDraft, RulesetDraft
from rules.report import Report


def check(draft: RulesetDraft, report: Report) -> None:
    """Report each tag that one rule, or the fallback, both adds and removes."""
    for rule in draft.rules:
        then = rule.draft.then
        if then is not None and then.actions.add_tags and then.actions.remove_tags:
            _check_actions(then, rule.report(report))
    if draft.fallback is not None:
        _check_actions(draft.fallback, report)


def _check_actions(actions: ActionsDraft, report: Report) -> None:
    added = {tag.text for key, tag in actions.tags if key == "add_tags"}
    for key, tag in actions.tags:
        if key == "remove_tags" and tag.text in added:
            message = f"the tag `{tag.text}` is both added and removed"
            report.add("tag_twice", message, tag.span, hint="keep one of them")
