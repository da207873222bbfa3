"""The fallback names a destination: an agent, a team or a queue."""

from rules.document import RulesetDraft
from rules.report import Report


def check(draft: RulesetDraft, report: Report) -> None:
    """Report a fallback that would leave a conversation nowhere."""
    fallback = draft.fallback
    if fallback is None or not fallback.is_whole or fallback.actions.names_destination:
        return
    message = "the fallback names no destination"
    report.add("no_destination", message, fallback.span, hint="add `assign_team`, `route_to` or `assign_agent`")
