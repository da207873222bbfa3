"""The OpenAPI layer: the application object, strict JSON, and the generated description of the API.

`flask-openapi3` validates requests with pydantic and generates the description. What it would do leniently is done
here strictly: a body that is not JSON is a 400, another media type a 415, text no database can keep a 422.
"""

import json
import math
import sys
from collections.abc import Iterator
from typing import Any, NoReturn

from flask import Request, request
from flask_openapi3.models.info import Info
from flask_openapi3.openapi import OpenAPI
from typing_extensions import override

from engine.faults import Fault
from engine.text import text_fault
from web.auth.access import access_of
from web.errors import MAX_FAULTS, Problem, from_validation, invalid, not_found, pointer, render

YAML_TYPES = frozenset({"application/yaml", "application/x-yaml", "text/yaml", "text/x-yaml"})


class StrictRequest(Request):
    """A request whose body is read as the API promises."""

    @override
    def get_json(self, force: bool = False, silent: bool = False, cache: bool = True) -> Any:
        """Return the JSON body, or a YAML rule text as `{"text": …}`; raise the Problem that says what is wrong."""
        if self.mimetype in YAML_TYPES and self._takes_rule_texts():
            return {"text": _clean(_decoded(self.get_data(), "YAML"))}
        if self.mimetype != "application/json":
            raise Problem(415, "Send the body as application/json.", headers={"Accept": "application/json"})
        return parse_json(self.get_data())

    def _takes_rule_texts(self) -> bool:
        from flask import current_app

        rule = self.url_rule
        access = None if rule is None else access_of(current_app.view_functions[rule.endpoint])
        return access is not None and access.rule_text


def parse_json(body: bytes) -> Any:
    """Return the value that `body` writes; raise a 400 if it is no JSON, a 422 for text that cannot be kept."""
    try:
        value = json.loads(_decoded(body, "JSON"), parse_constant=_refuse_constant, parse_float=_finite)
    except (ValueError, RecursionError) as error:
        detail = error.msg if isinstance(error, json.JSONDecodeError) else "a number or the nesting is out of bounds"
        raise Problem(400, f"The body is not JSON: {detail}.") from error
    faults = tuple(_unfit_texts(value))[:MAX_FAULTS]
    if faults:
        raise invalid(*faults)
    if not isinstance(value, dict):
        raise invalid(Fault(pointer="", message="The body must be a JSON object."))
    return value


def refuse_unfit_address() -> None:
    """Refuse parameters that no database can keep or look for, before any view sees them."""
    if any(_unfit("", str(value)) is not None for value in (request.view_args or {}).values()):
        raise not_found("thing")
    faults = [
        fault
        for name, values in request.args.lists()
        for fault in (_unfit(pointer((name,)), value) for value in (*values, name))
        if fault is not None
    ]
    if faults:
        raise invalid(*faults[:MAX_FAULTS])


def new_app() -> OpenAPI:
    """Return an empty application whose requests and descriptions are strict."""
    app = OpenAPI(
        "web",
        info=Info(title="Ochre", version="1", description="Routes support conversations by what customers pay."),
        doc_ui=False,
        validation_error_callback=lambda error: render(from_validation(error)),
    )
    app.request_class = StrictRequest
    app.secret_key = None  # Flask's own sessions are not used
    app.config["MAX_FORM_MEMORY_SIZE"] = None  # the gate limits whole bodies
    return app


def _decoded(body: bytes, kind: str) -> str:
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Problem(400, f"The body is not {kind}: it is not UTF-8.") from error


def _clean(text: str) -> str:
    fault = _unfit("/text", text)
    if fault is not None:
        raise invalid(fault)
    return text


def _unfit(where: str, text: str) -> Fault | None:
    return text_fault(where, text, longest=sys.maxsize)


def _unfit_texts(body: Any) -> Iterator[Fault]:
    """Yield a fault for every text in `body`, however deep, that no database can keep."""
    waiting: list[tuple[tuple[int | str, ...], Any]] = [((), body)]
    while waiting:
        path, value = waiting.pop()
        if isinstance(value, str):
            fault = _unfit(pointer(path), value)
            if fault is not None:
                yield fault
        elif isinstance(value, list):
            waiting.extend(((*path, index), item) for index, item in enumerate(value))
        elif isinstance(value, dict):
            for key, item in value.items():
                fault = _unfit(pointer(path), key)
                if fault is not None:
                    yield fault
                else:
                    waiting.append(((*path, key), item))


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError("a number is too large")
    return number


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")
