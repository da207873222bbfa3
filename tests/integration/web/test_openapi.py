"""The description of the API agrees with what the API does, as far as generated requests can tell."""

from typing import Any

import pytest
import schemathesis
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.integration.web.conftest import Tenant, message, publish
from web.auth.access import declared_routes

CHECKS = (not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance)
EXAMPLES = 4
"""Generated requests per operation: enough to find what is plainly wrong, few enough for seconds."""


@pytest.fixture
def description(client: FlaskClient) -> dict[str, Any]:
    """Return the description as it is served."""
    body: dict[str, Any] = client.get("/api/v1/openapi.json").get_json()
    return body


def test_every_route_of_the_api_is_described(app: Flask, description: dict[str, Any]) -> None:
    """No operation is missing, and each says which scope it needs and how it fails."""
    described = {(method.upper(), path) for path, methods in description["paths"].items() for method in methods}
    for rule, access in declared_routes(app):
        if not rule.rule.startswith("/api/v1/") or access is None or access.scope is None:
            continue
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
            path = rule.rule.replace("<int:", "<").replace("<", "{").replace(">", "}")
            assert (method, path) in described
            operation = description["paths"][path][method.lower()]
            assert operation["x-scope"] == access.scope
            assert "application/problem+json" in operation["responses"]["422"]["content"]
    assert description["openapi"].startswith("3.1")


def test_rule_texts_may_be_yaml(description: dict[str, Any]) -> None:
    """Where a rule text travels, both media types are described."""
    content = description["paths"]["/api/v1/ruleset/draft"]["put"]["requestBody"]["content"]

    assert set(content) == {"application/json", "application/yaml"}


def test_the_api_does_what_it_says(app: Flask, client: FlaskClient, ours: Tenant) -> None:
    """Generated requests, good and bad, get only described answers of the described shapes, and never a 5xx."""
    publish(ours)
    bearer = ours.bearer()
    body = client.post("/api/v1/conversations", json=message(), headers=bearer).get_json()["conversation"]
    ids = (body["id"], body["end_user_id"], "x")
    schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", app)
    tried = 0
    for result in schema.get_all_operations():
        assert isinstance(result, Ok)
        try_out(result.ok(), bearer, ids)
        tried += 1

    assert tried == sum(len(methods) for methods in schema.raw_schema["paths"].values())


# helpers


def try_out(operation: Any, headers: dict[str, str], ids: tuple[str, ...]) -> None:
    """Send generated requests for one operation, about objects that are there and about some that are not."""

    @given(data=st.data())
    @settings(
        max_examples=EXAMPLES,
        phases=[Phase.generate],
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    def send(data: st.DataObject) -> None:
        case = data.draw(operation.as_strategy())
        if "id" in (case.path_parameters or {}):
            case.path_parameters["id"] = data.draw(st.sampled_from(ids))
        case.validate_response(case.call(headers=headers), checks=CHECKS)

    send()
