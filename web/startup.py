"""What every process does first: settings, logs, parts."""

import os
import sys

from web.settings import LogSettings, Settings, SettingsError, load
from web.wiring import Services, build


def load_settings() -> Settings:
    """Return the settings of the environment; print every fault and exit with 2 if there are any."""
    try:
        return load(os.environ)
    except SettingsError as error:
        sys.stderr.write(f"Error: {error}\n")
        raise SystemExit(2) from None


def load_services(settings: Settings | None = None, *, logs: bool = False) -> Services:
    """Return the parts of the service.

    With `logs` the process logs as the settings say; without, as a command does: warnings only, for people.
    """
    from web.logging import configure

    settings = settings or load_settings()
    configure(settings.log if logs else LogSettings(format="console", level="warning"))
    return build(settings)
