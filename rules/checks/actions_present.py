"""A rule does something: it has an action, or it stops."""

from rules.document import RulesetDraft
from rules.report import Report


def check(draft: RulesetDraft, report: Report) -> None:
    """Report each rule with an empty `then` that does not stop either."""
    for rule in draft.rules:
        if rule.then is None or not rule.then.is_whole or not rule.then.actions.is_empty or rule.stop:
            continue
        message = "the rule does nothing: `then` is empty"
        about = report.about(None if rule.name is None else rule.name.text)
        about.add("no_action", message, rule.then.span, hint="name an action, or write `stop: true`")
