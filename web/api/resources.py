"""All resources of the API."""

from flask_openapi3.openapi import OpenAPI

from web.api import (
    conversations,
    customers,
    decisions,
    description,
    end_users,
    end_users_csv,
    explanations,
    facts,
    integrations,
    members,
    privacy,
    route,
    ruleset_explain,
    rulesets,
    settings,
)

BLUEPRINTS = (
    conversations.blueprint,
    decisions.blueprint,
    customers.blueprint,
    facts.blueprint,
    rulesets.blueprint,
    ruleset_explain.blueprint,
    route.blueprint,
    integrations.blueprint,
    end_users.blueprint,
    explanations.blueprint,
    settings.blueprint,
    members.blueprint,
)


# These add to the addresses of `end_users`: one blueprint describes all methods of a path.
assert end_users_csv.blueprint is privacy.blueprint is end_users.blueprint


def register(app: OpenAPI) -> None:
    """Add the API to `app`."""
    for blueprint in BLUEPRINTS:
        app.register_api(blueprint)
    description.register(app)
