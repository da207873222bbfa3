"""The headers that tell browsers what our pages may do."""

from flask import Flask, Response

from web.settings import Settings


def content_security_policy(settings: Settings) -> str:
    """Return the policy: everything comes from us, nothing is inline, nobody frames us.

    Forms may also lead to Stripe, because browsers apply `form-action` to where a form's answer redirects.
    """
    stripe = " ".join(sorted({settings.stripe.connect_base, settings.stripe.apps_base}))
    directives = (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "manifest-src 'self'",
        f"form-action 'self' {stripe}",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
    return "; ".join(directives)


def fixed(settings: Settings) -> dict[str, str]:
    """Return the headers that every answer carries, unless its view says otherwise."""
    always = {
        "Content-Security-Policy": content_security_policy(settings),
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "same-origin",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
        # Answers hold customers' data; only what a view marks as cacheable, such as a script, is kept by anybody.
        "Cache-Control": "no-store",
    }
    if settings.is_https:
        always["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"
    return always


def install(app: Flask, settings: Settings) -> None:
    """Send the headers with every answer of `app`."""
    always = fixed(settings)

    def send(response: Response) -> Response:
        for name, value in always.items():
            response.headers.setdefault(name, value)
        return response

    app.after_request(send)
