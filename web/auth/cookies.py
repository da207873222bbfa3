"""The cookie that keeps a browser signed in."""

from flask import Request, Response

from web.auth.models import ABSOLUTE_LIMIT
from web.settings import Settings


def name(settings: Settings) -> str:
    """Return the cookie's name; over TLS the prefix makes browsers refuse one that another host planted."""
    return "__Host-ochre_session" if settings.is_https else "ochre_session"


def read(request: Request, settings: Settings) -> str | None:
    """Return the secret the browser sent, or None."""
    return request.cookies.get(name(settings)) or None


def write(response: Response, settings: Settings, secret: str) -> None:
    """Give the browser its secret.

    `SameSite=Lax`, since with `Strict` the way back from Stripe's page would arrive signed out.
    """
    response.set_cookie(
        name(settings),
        secret,
        max_age=ABSOLUTE_LIMIT,
        httponly=True,
        secure=settings.is_https,
        samesite="Lax",
        path="/",
    )


def clear(response: Response, settings: Settings) -> None:
    """Take the secret away from the browser."""
    response.delete_cookie(name(settings), httponly=True, secure=settings.is_https, samesite="Lax", path="/")
