"""All resources of the API."""

from flask_openapi3.openapi import OpenAPI

from web.api import (
    conversations,
    customers,
    decisions,
    description,
    end_users,
    explanations,
    facts,
    integrations,
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
    end_users.blueprint,
    facts.blueprint,
    rulesets.blueprint,
    ruleset_explain.blueprint,
    route.blueprint,
    integrations.blueprint,
    privacy.blueprint,
    explanations.blueprint,
    settings.blueprint,
)


def register(app: OpenAPI) -> None:
    """Add the API to `app`."""
    for blueprint in BLUEPRINTS:
        app.register_api(blueprint)
    description.register(app)
