"""`/openapi.json`: the description of the API, generated from the code."""

import copy
import re
from functools import cache
from typing import Any, cast

from flask import Response, current_app
from flask_openapi3.openapi import OpenAPI
from pydantic import BaseModel

from web.api.answers import answer
from web.api.blueprint import PREFIX
from web.api.schemas import ProblemOut
from web.auth.access import access_of, public

YAML = "application/yaml"
_PARAMETER = re.compile(r"<(?:\w+:)?(\w+)>")


def register(app: OpenAPI) -> None:
    """Serve the description below `app`."""
    app.add_url_rule(f"{PREFIX}/openapi.json", "api_description", get_description)


@public("the description of the API holds nobody's data")
def get_description() -> Response:
    """Return the OpenAPI 3.1 description."""
    return answer(description_of(cast("OpenAPI", current_app._get_current_object())))  # type: ignore[attr-defined]  # noqa: SLF001 - the proxy's way to the application


@cache
def description_of(app: OpenAPI) -> dict[str, Any]:
    """Return the description of `app`, with what the library does not know: problems, scopes, rule texts as YAML."""
    found = copy.deepcopy(app.api_doc)
    found["openapi"] = "3.1.0"
    components = found["components"]
    components["schemas"].pop("ValidationErrorModel", None)
    components["schemas"].update(_schemas(ProblemOut))
    components["securitySchemes"] = {
        "token": {"type": "http", "scheme": "bearer", "description": "An API token, `ochre_…`."}
    }
    operations = {
        (_PARAMETER.sub(r"{\1}", rule.rule), method.lower()): access_of(app.view_functions[rule.endpoint])
        for rule in app.url_map.iter_rules()
        for method in rule.methods or ()
    }
    for path, methods in found["paths"].items():
        for method, operation in methods.items():
            access = operations[(path, method)]
            assert access is not None
            if access.scope is not None:
                operation["x-scope"] = access.scope.value
                operation["x-role"] = None if access.role is None else access.role.value
            if access.rule_text and "requestBody" in operation:
                operation["requestBody"]["content"][YAML] = {"schema": {"type": "string"}}
    return found


def _schemas(model: type[BaseModel]) -> dict[str, Any]:
    schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
    return {**schema.pop("$defs", {}), model.__name__: schema}
