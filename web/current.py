"""What a view reaches for: the parts of the running application."""

from flask import current_app

from web.wiring import Services

EXTENSION = "ochre.services"


def services() -> Services:
    """Return the parts of the application that handles the present request."""
    found = current_app.extensions[EXTENSION]
    assert isinstance(found, Services)
    return found
