"""Errors as HTTP answers: the only table of statuses.

Laws of this module
- Under `/api` and `/webhooks` every error is an RFC 9457 problem; elsewhere it is a page.
- What went wrong inside is logged with the request id and never shown: the answer carries only the id.
- A database that cannot be reached is a 503, and nothing is acknowledged.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import orjson
import structlog
from flask import Flask, Response, g, render_template, request
from pydantic import ValidationError
from sqlalchemy import exc as sql_errors
from typing_extensions import override
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from engine.faults import Fault

log = structlog.get_logger(__name__)

MACHINE_PREFIXES = ("/api/", "/webhooks/", "/healthz", "/readyz", "/metrics")
DATABASE_DOWN = (
    sql_errors.OperationalError,
    sql_errors.InterfaceError,
    sql_errors.TimeoutError,
    sql_errors.DisconnectionError,
)
MAX_FAULTS = 100
"""A body can hold thousands of faults; nobody reads more than these."""


class Problem(Exception):  # noqa: N818 - the name RFC 9457 gives it
    """An answer with an error status, raised anywhere below a view.

    `detail` says what is wrong and how to mend it. `extra` adds members to the problem, `headers` to the answer.
    """

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        errors: tuple[Fault, ...] = (),
        extra: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.errors = errors
        self.extra = dict(extra or {})
        self.headers = dict(headers or {})

    @override
    def __str__(self) -> str:
        return f"{self.status} {self.detail}"


def not_found(what: str) -> Problem:
    """Return the answer for a thing that is not there, or not yours."""
    return Problem(404, f"There is no such {what}.")


def invalid(*errors: Fault) -> Problem:
    """Return the answer for a request that is well-formed but wrong at the given places."""
    return Problem(422, "The request is not valid; see errors.", errors=errors)


def pointer(parts: tuple[int | str, ...]) -> str:
    """Return the JSON Pointer (RFC 6901) made of `parts`."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)


def from_validation(error: ValidationError) -> Problem:
    """Return the 422 that lists what pydantic found, without echoing the values."""
    faults = [
        Fault(pointer=pointer(found["loc"]), message=found["msg"])
        for found in error.errors(include_url=False, include_context=False, include_input=False)[:MAX_FAULTS]
    ]
    return invalid(*faults)


def problem_body(problem: Problem) -> dict[str, Any]:
    """Return the members of the problem document."""
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(problem.status).phrase,
        "status": problem.status,
        "detail": problem.detail,
        "request_id": g.get("request_id"),
    }
    if problem.errors:
        body["errors"] = [{"pointer": fault.pointer, "message": fault.message} for fault in problem.errors]
    return body | problem.extra


def render(problem: Problem) -> Response:
    """Return `problem` as a document for machines or as a page for people."""
    if is_for_machines():
        response = Response(orjson.dumps(problem_body(problem)), problem.status, mimetype="application/problem+json")
    else:
        page = render_template("error.html", title=HTTPStatus(problem.status).phrase, problem=problem)
        response = Response(page, problem.status, mimetype="text/html")
    response.headers.update(problem.headers)
    return response


def is_for_machines() -> bool:
    """Return whether the caller of the present request is a program."""
    return request.path.startswith(MACHINE_PREFIXES)


def register(app: Flask) -> None:
    """Answer every error below `app` in our style."""
    app.register_error_handler(Problem, render)
    app.register_error_handler(HTTPException, _http_error)
    for error in DATABASE_DOWN:
        app.register_error_handler(error, _database_down)
    app.register_error_handler(Exception, _bug)


def _http_error(error: HTTPException) -> Response:
    if error.code is None or error.code < HTTPStatus.BAD_REQUEST:
        return error.get_response()  # type: ignore[return-value]  # redirects made by the router are Flask's responses
    headers = {}
    if isinstance(error, MethodNotAllowed) and error.valid_methods:
        headers["Allow"] = ", ".join(sorted(error.valid_methods))
    details = {
        404: "There is nothing at this address.",
        405: f"This address does not understand {request.method}.",
        413: "The request is larger than this address takes.",
    }
    return render(Problem(error.code, details.get(error.code, error.description or error.name), headers=headers))


def _database_down(error: Exception) -> Response:
    log.error("database_unavailable", error=type(error).__name__, exc_info=error)
    return render(
        Problem(503, "The database cannot be reached; nothing was stored. Try again.", headers={"Retry-After": "5"})
    )


def _bug(error: Exception) -> Response:
    log.error("unhandled_error", error=type(error).__name__, exc_info=error)
    return render(Problem(500, "Something went wrong inside Ochre. Tell the operator the request id."))
