"""The pages people see: server-rendered, live through htmx, complete without scripts.

Laws of this package
- Pages say nothing that the services do not; views gather, `*_view` modules turn models into what is shown (pure),
  templates write it, and escape everything.
- No script and no style stands in a page; both come as files, so that the content security policy can be strict.
- Every page works without JavaScript: forms post, answers redirect. Scripts keep pages fresh.
"""

from flask import Flask

from web.screens import (
    api_docs,
    callback,
    conversation,
    customer,
    general_settings,
    home,
    how,
    inbox,
    integrations,
    rules,
    settings,
    sign_in,
    trace,
)
from web.screens import format as fmt
from web.screens.page import asset, find_zone, full_time

BLUEPRINTS = (
    api_docs.blueprint,
    callback.blueprint,
    conversation.blueprint,
    customer.blueprint,
    general_settings.blueprint,
    home.blueprint,
    how.blueprint,
    inbox.blueprint,
    integrations.blueprint,
    rules.blueprint,
    settings.blueprint,
    sign_in.blueprint,
    trace.blueprint,
)

A_YEAR = 31_536_000


def register(app: Flask) -> None:
    """Add the pages to `app`."""
    app.jinja_env.globals.update(asset=asset)
    app.jinja_env.filters.update(full_time=full_time, machine_time=fmt.machine_time, initials=fmt.initials)
    app.config["SEND_FILE_MAX_AGE_DEFAULT"] = A_YEAR  # addresses carry a fingerprint of the content
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True
    app.before_request(find_zone)
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
