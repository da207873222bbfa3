"""The WSGI application."""

from flask_openapi3.openapi import OpenAPI

from web import errors, headers, health, observe, screens, webhooks
from web.api import resources
from web.auth.access import check_declarations, public
from web.auth.gate import Gate, find_principal, present_csrf_token
from web.current import EXTENSION
from web.metrics import Gauges
from web.openapi import new_app, refuse_unfit_address
from web.readiness import backlog, drift
from web.settings import Settings
from web.webhook_door import WebhookDoor
from web.wiring import Services


def create_app(services: Services, settings: Settings) -> OpenAPI:
    """Return the application over `services`; raise RuntimeError if a route does not say who may call it."""
    app = new_app()
    app.extensions[EXTENSION] = services
    observe.install(app, services.clock, services.metrics)
    headers.install(app, settings)
    Gate(services.auth, settings).install(app)
    app.before_request(refuse_unfit_address)
    errors.register(app)
    app.jinja_env.globals.update(csrf_token=present_csrf_token, caller=find_principal)
    public("scripts, styles and pictures hold nobody's data")(app.view_functions["static"])
    app.register_blueprint(health.blueprint)
    app.register_blueprint(webhooks.blueprint)
    resources.register(app)
    screens.register(app)
    services.metrics.gauges(Gauges(lambda: backlog(services)))
    services.metrics.gauges(
        Gauges(
            lambda: drift(services),
            "ochre_stripe_drift",
            "Objects that sweeps of the last week found wrong and no event told of, by kind; should be zero.",
            "kind",
        )
    )
    check_declarations(app)
    app.wsgi_app = WebhookDoor(app.wsgi_app, services, headers.fixed(settings).items())  # type: ignore[method-assign]  # as Flask advises
    return app
