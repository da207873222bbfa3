"""Pages of the simulator: HTML from templates, redirects, one style sheet."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, select_autoescape

_TEMPLATES = Path(__file__).parent / "templates"
_ENVIRONMENT = Environment(
    loader=FileSystemLoader(_TEMPLATES),
    autoescape=select_autoescape(default=True),
    trim_blocks=True,
    lstrip_blocks=True,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """One page, ready to send."""

    status: int
    body: bytes
    content_type: str = "text/html; charset=utf-8"
    headers: dict[str, str] = field(default_factory=dict)


def render(template: str, *, status: int = 200, **values: object) -> Page:
    """Return a page made from a template; everything in it is escaped."""
    return Page(status=status, body=_ENVIRONMENT.get_template(template).render(**values).encode())


def redirect(location: str) -> Page:
    """Return a redirect that is followed with GET."""
    return Page(status=303, body=b"", headers={"Location": location})


def style_sheet() -> Page:
    """Return the style sheet of all pages."""
    body = (_TEMPLATES / "simulator.css").read_bytes()
    return Page(status=200, body=body, content_type="text/css; charset=utf-8")


def problem(status: int, message: str) -> Page:
    """Return a page that says what is wrong."""
    return render("problem.html", status=status, message=message)


def is_foreign_form(headers: Mapping[str, str]) -> bool:
    """Tell whether a browser says that a form was sent from another site."""
    return headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}
