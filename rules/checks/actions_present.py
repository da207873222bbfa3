"""A rule does something: it has an action, or it stops."""

from rules.document import RulesetDraft
from rules.report import Report


def check(draft: RulesetDraft, report: Report) -> None:
    """Report each rule with an empty `then` that does not stop either."""
    for rule in draft.rules:
        then = rule.draft.then
        if then is None or not then.is_whole or not then.actions.is_empty or rule.draft.stop:
            continue
        message = "the rule does nothing: `then` is empty"
        rule.report(report).add("no_action", message, then.span, hint="name an action, or write `stop: true`")
