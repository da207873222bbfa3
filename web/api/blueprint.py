"""How every resource of the API begins: its place, and the errors all of them share."""

from http import HTTPStatus
from typing import Any

from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag
from pydantic import BaseModel

PREFIX = "/api/v1"
_SHARED = {
    400: "The body is not JSON.",
    401: "Nobody knows this caller.",
    403: "The caller's role or the token's scopes do not suffice.",
    404: "There is no such thing, or it is not yours.",
    405: "This address does not understand the method.",
    409: "The wish clashes with what is there.",
    412: "Somebody saved in between.",
    413: "The body is too large.",
    415: "The body is of another media type.",
    422: "The request is well-formed but wrong; see errors.",
    429: "Too many requests; wait as Retry-After says.",
    503: "The database cannot be reached; nothing was stored.",
}


def shared_responses() -> dict[str | int | HTTPStatus, type[BaseModel] | dict[Any, Any] | None]:
    """Return the errors every operation may answer with, as problems."""
    schema = {"$ref": "#/components/schemas/ProblemOut"}
    return {
        status: {"description": description, "content": {"application/problem+json": {"schema": schema}}}
        for status, description in _SHARED.items()
    }


def new_blueprint(name: str) -> APIBlueprint:
    """Return an empty resource of the API."""
    return APIBlueprint(
        f"api_{name}",
        __name__,
        url_prefix=PREFIX,
        abp_tags=[Tag(name=name.replace("_", " "))],
        abp_responses=shared_responses(),
        abp_security=[{"token": []}],
    )
