"""`/ruleset/explain`: how each rule comes to its outcome for given facts, and what would change it."""

from typing import Any

from flask import Response
from sqlalchemy.orm import Session

from engine.core.decide import decide
from engine.core.explain import sentences, why
from engine.faults import Fault
from engine.ids import WorkspaceId
from engine.workspace.models import Role
from rules.check import CheckedRuleset
from rules.compile import interpreted_ruleset
from rules.fact_input import FactInput, FactInputError, to_facts
from web.api.answers import answer
from web.api.blueprint import new_blueprint
from web.api.schemas_rules import ExplainIn, ExplainOut, RulesetTextIn
from web.auth.access import allow
from web.auth.gate import principal
from web.auth.models import Principal, Scope, includes
from web.current import services
from web.errors import Problem, invalid, not_found
from web.facts import CATALOG

MOST_SHOWN = 400
"""Of more rules than these, those are shown that had a say, and the first."""
_TELLING = frozenset({"matched", "unknown", "shadow"})

blueprint = new_blueprint("ruleset_explain")


@blueprint.post("/ruleset/explain", responses={200: ExplainOut})
@allow(Role.AGENT, Scope.RULES_READ, holds_rule_text=True)
def explain(body: ExplainIn) -> Response:
    """Decide about the facts given and say why, rule by rule; drafts and texts of one's own are for admins."""
    caller = principal()
    given = _facts(body)
    with services().database.workspace(caller.workspace_id, readonly=True) as session:
        checked, version = _ruleset(caller, session, body)
        rules = _rules(caller.workspace_id, session, checked, given, body)
    reasons = {name: reason.value for name, reason in given.facts.reasons.items()}
    decision = decide(
        interpreted_ruleset(checked),
        given.facts,
        now=given.facts.as_of,
        on=body.on,
        conversation_id=given.conversation_id,
    )
    lines = why(decision, reasons, ruleset_version=version)
    shown = [one for number, one in enumerate(rules) if number < MOST_SHOWN or one["outcome"] in _TELLING]
    return answer(
        {
            **decision.to_line(),
            "sentences": list(sentences(lines)),
            "rules": shown,
            "left_out": len(rules) - len(shown),
        }
    )


def _facts(body: ExplainIn) -> FactInput:
    try:
        return to_facts(body.facts, CATALOG, body.at or services().clock.now())
    except FactInputError as error:
        raise invalid(Fault(pointer="/facts", message=str(error))) from None


def _rules(
    workspace_id: WorkspaceId, session: Session, checked: CheckedRuleset, given: FactInput, body: ExplainIn
) -> list[Any]:
    traces: list[Any] = services().traces.of_facts(
        workspace_id, session, checked, given.facts, on=body.on, conversation_id=given.conversation_id
    )
    if body.rule is None:
        return traces
    found = [one for one in traces if one["rule"] == body.rule]
    if not found:
        raise not_found("rule of that name")
    return found


def _ruleset(caller: Principal, session: Session, body: ExplainIn) -> tuple[CheckedRuleset, int]:
    """Return the ruleset to explain and its number; 1 stands for one that was never published."""
    rulesets = services().rulesets
    if body.ruleset == "published":
        active = rulesets.active(caller.workspace_id, session)
        if active is not None:
            found = services().traces.published(caller.workspace_id, session, active.version)
            if found is not None:
                return found, active.version
        raise not_found("published ruleset; publish a draft first, or send a text")
    if not includes(caller.role, Role.ADMIN):
        raise Problem(403, "Agents can have the published ruleset explained; drafts and texts are for admins.")
    sent = body.ruleset
    text = sent.text if isinstance(sent, RulesetTextIn) else rulesets.get_draft(caller.workspace_id, session).text
    result = rulesets.check(caller.workspace_id, session, text)
    if result.ruleset is None:
        raise Problem(
            422,
            "The ruleset has errors; see errors.",
            errors=tuple(Fault(pointer="/ruleset/text", message=str(one.message)) for one in result.errors),
            extra={"diagnostics": [one.to_json() for one in result.diagnostics]},
        )
    return result.ruleset, 1
