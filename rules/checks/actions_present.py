"""A rule does something: it has an action, or it stops."""

from rules.document import RuleDraft
from rules.report import Report


def check(rule: RuleDraft, report: Report) -> None:
    """Report an empty `then` of a rule that does not stop either."""
    then = rule.then
    if then is None or not then.is_whole or rule.stop or not then.actions.is_empty:
        return
    message = "the rule does nothing: `then` is empty"
    report.add("no_action", message, then.span, hint="name an action, or write `stop: true`")
