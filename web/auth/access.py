"""What a route demands of its caller, declared beside the view.

Laws of this module
- Every route carries exactly one declaration, `@allow(…)` or `@public(…)`; the application refuses to start with a
  route that has none, and the gate refuses a request to one.
- A role is a minimum. A scope is what an API token must hold; a route without a scope is closed to tokens.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from flask import Flask
from werkzeug.routing import Rule

from engine.workspace.models import Role
from web.auth.models import Scope

MIB = 1024 * 1024
BODY_LIMIT = MIB
RULE_TEXT_LIMIT = 16 * MIB

_ATTRIBUTE = "__ochre_access__"
_View = TypeVar("_View", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """The demands of one route."""

    role: Role | None
    """The least role; None for a public route."""
    scope: Scope | None = None
    public_because: str | None = None
    rule_text: bool = False
    """Whether the body is a rule text, and may come as YAML."""
    holds_rule_text: bool = False
    """Whether a rule text stands somewhere in the body, which may then be larger."""
    billing: bool = False
    """Whether the route is about billing data through and through, and so closed to members barred from it."""

    @property
    def body_limit(self) -> int:
        """Return the greatest body in bytes."""
        return RULE_TEXT_LIMIT if self.rule_text or self.holds_rule_text else BODY_LIMIT


def allow(
    role: Role,
    scope: Scope | None = None,
    *,
    rule_text: bool = False,
    holds_rule_text: bool = False,
    billing: bool = False,
) -> Callable[[_View], _View]:
    """Declare that a member with at least `role` may call the view, and a token if it holds `scope`.

    With `billing` a member barred from billing data may not; without it the view itself leaves such data out.
    """
    return _declare(
        Access(role=role, scope=scope, rule_text=rule_text, holds_rule_text=holds_rule_text, billing=billing)
    )


def public(because: str) -> Callable[[_View], _View]:
    """Declare that anybody may call the view, and why."""
    return _declare(Access(role=None, public_because=because))


def access_of(view: object) -> Access | None:
    """Return the declaration of a view, or None."""
    found = getattr(view, _ATTRIBUTE, None)
    return found if isinstance(found, Access) else None


def declared_routes(app: Flask) -> Iterator[tuple[Rule, Access | None]]:
    """Yield every route of `app` with its declaration."""
    for rule in app.url_map.iter_rules():
        yield rule, access_of(app.view_functions[rule.endpoint])


def check_declarations(app: Flask) -> None:
    """Raise RuntimeError naming every route that does not say who may call it."""
    silent = [
        rule.rule
        for rule, access in declared_routes(app)
        if access is None or (rule.rule.startswith("/api/") and access.scope is None and access.role is not None)
    ]
    if silent:
        raise RuntimeError(f"these routes need @allow (with a scope under /api) or @public: {', '.join(silent)}")


def _declare(access: Access) -> Callable[[_View], _View]:
    def declare(view: _View) -> _View:
        setattr(view, _ATTRIBUTE, access)
        return view

    return declare
