"""Agents, teams, queues and endpoints that rules name exist in the workspace."""

from collections.abc import Callable

from engine.email_address import normalize
from engine.workspace.models import References
from rules.document import ActionsDraft, RulesetDraft
from rules.report import Report
from rules.suggestions import did_you_mean

_NOUNS = {
    "assign_agent": "agent with the e-mail address",
    "assign_team": "team called",
    "route_to": "queue called",
    "webhook": "endpoint called",
}


def checker(references: References) -> Callable[[RulesetDraft, Report], None]:
    """Return the check of a ruleset against `references`."""

    def check(draft: RulesetDraft, report: Report) -> None:
        for rule in draft.rules:
            if rule.draft.then is not None and rule.draft.then.references:
                _check_actions(rule.draft.then, references, rule.report(report))
        _check_actions(draft.fallback, references, report)

    return check


def _check_actions(actions: ActionsDraft | None, references: References, report: Report) -> None:
    if actions is None:
        return
    by_action = {
        "assign_agent": references.agents,
        "assign_team": references.teams,
        "route_to": references.queues,
        "webhook": references.endpoints,
    }
    for action, placed in actions.references:
        known = by_action[action]
        name = normalize(placed.text) if action == "assign_agent" else placed.text
        if name not in known:
            message = f"there is no {_NOUNS[action]} `{placed.text}`"
            report.add("unknown_reference", message, placed.span, hint=did_you_mean(placed.text, sorted(known)))
