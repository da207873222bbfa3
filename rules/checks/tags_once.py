"""A rule does not add and remove the same tag, nor does the fallback."""

from rules.document import ActionsDraft, RuleDraft, RulesetDraft
from rules.report import Report


def check(rule: RuleDraft, report: Report) -> None:
    """Report each tag that the rule both adds and removes."""
    _check_actions(rule.then, report)


def check_fallback(draft: RulesetDraft, report: Report) -> None:
    """Report each tag that the fallback both adds and removes."""
    _check_actions(draft.fallback, report)


def _check_actions(then: ActionsDraft | None, report: Report) -> None:
    if then is None or not then.actions.add_tags or not then.actions.remove_tags:
        return
    added = {tag.text for key, tag in then.tags if key == "add_tags"}
    for key, tag in then.tags:
        if key == "remove_tags" and tag.text in added:
            message = f"the tag `{tag.text}` is both added and removed"
            report.add("tag_twice", message, tag.span, hint="keep one of them")
