"""All resources of the API."""

from flask_openapi3.openapi import OpenAPI

from web.api import (
    conversations,
    customers,
    decisions,
    description,
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
    facts.blueprint,
    rulesets.blueprint,
    ruleset_explain.blueprint,
    route.blueprint,
    integrations.blueprint,
    privacy.blueprint,  # and `end_users`, whose paths it shares
    explanations.blueprint,
    settings.blueprint,
)


def register(app: OpenAPI) -> None:
    """Add the API to `app`."""
    for blueprint in BLUEPRINTS:
        app.register_api(blueprint)
    description.register(app)
