"""From results to answers: models become JSON, expected failures become problems."""

from collections.abc import Mapping
from typing import Any, TypeVar

import orjson
from flask import Response, request

from engine.faults import Conflict, Fault, Invalid, NotFound
from engine.inbox.paging import Cursor
from web.errors import MAX_FAULTS, Problem, invalid, not_found

T = TypeVar("T")


def answer(body: Mapping[str, Any], status: int = 200, *, headers: dict[str, str] | None = None) -> Response:
    """Return `body` as JSON. Its shape is the model that the route declares; the tests hold them together."""
    return Response(orjson.dumps(body), status, headers=headers, mimetype="application/json")


def unwrap(result: T | Invalid | NotFound | Conflict) -> T:
    """Return `result`, or raise the Problem for the failure it is."""
    match result:
        case Invalid(faults):
            raise invalid(*faults[:MAX_FAULTS])
        case NotFound(kind=kind):
            raise not_found(kind)
        case Conflict(message=message):
            raise Problem(409, message)
        case found:
            return found


def cursor(after: str | None) -> Cursor | None:
    """Return the place in a list that `after` names; raise a 422 if it is none of ours."""
    if after is None:
        return None
    found = Cursor.decode(after)
    if found is None:
        raise invalid(Fault(pointer="/after", message="This is no `next` of a page; leave it out to begin."))
    return found


def if_match() -> str | None:
    """Return the tag of If-Match, or None if the header is missing or `*`."""
    tags = request.if_match
    if not request.headers.get("If-Match") or tags.star_tag:
        return None
    return next(iter(tags.as_set(include_weak=True)), "")
