"""The rules: write, check, save, publish, look back. For Owner and Admin."""

from http import HTTPStatus

from flask import Blueprint, Response, request

from engine.workspace.models import Role
from web.auth.access import allow

PATH = "/rules"

blueprint = Blueprint("rules", __name__, url_prefix=PATH)


@blueprint.get("")
@allow(Role.ADMIN)
def show() -> Response:
    """Show the draft."""
    raise NotImplementedError
