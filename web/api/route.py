"""`/route`: what a ruleset would decide about given facts. Nothing is stored."""

from flask import Response

from engine.core.decide import decide
from engine.core.ruleset import Ruleset
from engine.faults import Fault
from engine.ids import WorkspaceId
from engine.workspace.models import Role
from rules.check import CheckResult
from rules.compile import interpreted_ruleset
from rules.fact_input import FactInputError, to_facts
from web.api.answers import answer
from web.api.blueprint import new_blueprint
from web.api.schemas import DecisionLineOut
from web.api.schemas_rules import RouteIn, RulesetTextIn
from web.auth.access import allow
from web.auth.gate import principal
from web.auth.models import Scope
from web.current import services
from web.errors import Problem, invalid, not_found
from web.facts import CATALOG

blueprint = new_blueprint("route")


@blueprint.post("/route", responses={200: DecisionLineOut})
@allow(Role.ADMIN, Scope.RULES_READ, holds_rule_text=True)
def route(body: RouteIn) -> Response:
    """Decide about the facts given, by the published ruleset, the draft, or a text sent along."""
    now = body.at or services().clock.now()
    try:
        given = to_facts(body.facts, CATALOG, now)
    except FactInputError as error:
        raise invalid(Fault(pointer="/facts", message=str(error))) from None
    ruleset = _ruleset(principal().workspace_id, body)
    decision = decide(ruleset, given.facts, now=now, on=body.on, conversation_id=given.conversation_id)
    return answer(decision.to_line())


def _ruleset(workspace_id: WorkspaceId, body: RouteIn) -> Ruleset:
    rulesets = services().rulesets
    with services().database.workspace(workspace_id, readonly=True) as session:
        if body.ruleset == "published":
            active = rulesets.active(workspace_id, session)
            if active is None:
                raise not_found("published ruleset; publish a draft first, or send a text")
            return active.ruleset
        sent = body.ruleset
        text = sent.text if isinstance(sent, RulesetTextIn) else rulesets.get_draft(workspace_id, session).text
        return _compiled(rulesets.check(workspace_id, session, text))


def _compiled(result: CheckResult) -> Ruleset:
    if result.ruleset is not None:
        return interpreted_ruleset(result.ruleset)  # one decision is not worth an index
    raise Problem(
        422,
        "The ruleset has errors; see errors.",
        errors=tuple(Fault(pointer="/ruleset/text", message=str(one.message)) for one in result.errors),
        extra={"diagnostics": [one.to_json() for one in result.diagnostics]},
    )
