"""`/facts`: the catalog of everything a condition may name."""

from flask import Response

from engine.workspace.models import Role
from web.api.answers import answer
from web.api.blueprint import new_blueprint
from web.api.schemas_stripe import FactsOut
from web.auth.access import allow
from web.auth.models import Scope
from web.facts import CATALOG, describe

blueprint = new_blueprint("facts")


@blueprint.get("/facts", responses={200: FactsOut})
@allow(Role.AGENT, Scope.FACTS_READ)
def list_facts() -> Response:
    """Return every fact with its type, meaning and an example."""
    return answer({"data": [describe(spec) for spec in CATALOG], "next": None})
