"""What every process does first: settings, logs, parts."""

import os
import sys
from typing import TYPE_CHECKING

from web.settings import LogSettings, Settings, SettingsError, load

if TYPE_CHECKING:
    from web.wiring import Services


def load_settings() -> Settings:
    """Return the settings of the environment; print every fault and exit with 2 if there are any."""
    try:
        return load(os.environ)
    except SettingsError as error:
        sys.stderr.write(f"Error: {error}\n")
        raise SystemExit(2) from None


def load_services(settings: Settings | None = None, *, logs: bool = False) -> "Services":
    """Return the parts of the service.

    With `logs` the process logs as the settings say; without, as a command does: warnings only, for people.
    """
    settings = settings or load_settings()
    # Imported late: it brings everything along, and faulty settings or a taken port are told without waiting for it.
    from web.logging import configure
    from web.wiring import build

    configure(settings.log if logs else LogSettings(format="console", level="warning"))
    return build(settings)
