"""The reference of the HTTP API as a page, rendered from its generated description."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, current_app
from flask_openapi3.openapi import OpenAPI

from engine.workspace.models import Role
from web.api.description import description_of
from web.auth.access import allow
from web.screens.page import page

METHODS = ("get", "post", "put", "patch", "delete")
Json = Mapping[str, Any]

blueprint = Blueprint("api_docs", __name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldView:
    """One parameter, or one field of a body."""

    name: str
    where: str
    type: str
    required: bool
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationView:
    """One operation of the API."""

    anchor: str
    method: str
    path: str
    summary: str
    text: str
    fields: tuple[FieldView, ...]
    answers: tuple[tuple[str, str], ...]


@blueprint.get("/docs/api")
@allow(Role.AGENT)
def show() -> Response:
    """Show the reference."""
    application = current_app._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001 - the proxy's way to it
    assert isinstance(application, OpenAPI)
    description = description_of(application)
    groups: dict[str, list[OperationView]] = {}
    for tag, operation in operations(description):
        groups.setdefault(tag, []).append(operation)
    return page("api_docs.html", area="docs", groups=groups)


def operations(description: Json) -> Iterator[tuple[str, OperationView]]:
    """Yield every operation of an OpenAPI description with the group it belongs to."""
    for path, methods in description.get("paths", {}).items():
        for method in METHODS:
            if method in methods:
                found = methods[method]
                tag = next(iter(found.get("tags") or ()), path.removeprefix("/api/v1/").split("/")[0])
                yield tag, _operation(description, path, method, found)


def _operation(description: Json, path: str, method: str, found: Json) -> OperationView:
    return OperationView(
        anchor=f"{method}-{path.strip('/').replace('/', '-').replace('{', '').replace('}', '')}",
        method=method.upper(),
        path=path,
        summary=found.get("summary") or "",
        text=found.get("description") or "",
        fields=(*_parameters(found), *_body(description, found)),
        answers=tuple(
            (status, str(answer.get("description") or "")) for status, answer in found.get("responses", {}).items()
        ),
    )


def _parameters(found: Json) -> Iterator[FieldView]:
    for parameter in found.get("parameters") or ():
        yield FieldView(
            name=parameter["name"],
            where=parameter["in"],
            type=_type(parameter.get("schema") or {}),
            required=bool(parameter.get("required")),
            text=parameter.get("description") or "",
        )


def _body(description: Json, found: Json) -> Iterator[FieldView]:
    content = (found.get("requestBody") or {}).get("content") or {}
    schema = _resolve(description, (content.get("application/json") or {}).get("schema") or {})
    required = set(schema.get("required") or ())
    for name, field in (schema.get("properties") or {}).items():
        yield FieldView(
            name=name, where="body", type=_type(field), required=name in required, text=field.get("description") or ""
        )


def _resolve(description: Json, schema: Json) -> Json:
    reference = schema.get("$ref")
    if not isinstance(reference, str):
        return schema
    found: Any = description
    for key in reference.removeprefix("#/").split("/"):
        found = found.get(key, {})
    return found if isinstance(found, Mapping) else {}


def _type(schema: Json) -> str:
    if "$ref" in schema:
        return str(schema["$ref"]).rsplit("/", 1)[-1]
    if "anyOf" in schema:
        return " or ".join(_type(option) for option in schema["anyOf"])
    if "enum" in schema:
        return ", ".join(json.dumps(value) for value in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items') or {})}"
    return str(schema.get("type") or "any")
