"""Why a conversation was decided as it was."""

from flask import Blueprint

blueprint = Blueprint("trace", __name__)
