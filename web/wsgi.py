"""What the WSGI server loads: the application of the environment's settings."""

from flask import Flask

from web.app import create_app
from web.garbage import SettingAside
from web.startup import load_services, load_settings


def create() -> Flask:
    """Return the application; faulty settings end the process with every fault named."""
    settings = load_settings()
    app = create_app(load_services(settings, logs=True), settings)
    SettingAside().install()
    return app
