"""The front door: the address without a path, and the icon that browsers ask for by themselves."""

from flask import Blueprint, Response, redirect

from engine.workspace.models import Role
from web.auth.access import allow, public
from web.screens.page import asset, see_other

blueprint = Blueprint("home", __name__)


@blueprint.get("/")
@allow(Role.AGENT)
def show() -> Response:
    """Lead to the inbox."""
    return see_other("/inbox")


@blueprint.get("/favicon.ico")
@public("a picture holds nobody's data")
def favicon() -> Response:
    """Lead to the icon."""
    return redirect(asset("favicon.svg"), 301)  # type: ignore[return-value]  # Flask's own response
