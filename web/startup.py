"""What every process does first: settings, logs, parts."""

import os
import sys

from web.settings import Settings, SettingsError, load
from web.wiring import Services, build


def load_settings() -> Settings:
    """Return the settings of the environment; print every fault and exit with 2 if there are any."""
    try:
        return load(os.environ)
    except SettingsError as error:
        sys.stderr.write(f"Error: {error}\n")
        raise SystemExit(2) from None


def load_services(settings: Settings | None = None, *, logs: bool = False) -> Services:
    """Return the parts of the service; with `logs` also configure the process's logs."""
    settings = settings or load_settings()
    if logs:
        from web.logging import configure

        configure(settings.log)
    return build(settings)
