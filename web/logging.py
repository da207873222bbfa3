"""Structured logs: one event a line, JSON or for people, with request and job ids and without secrets.

Names of values say what they are, so a value is hidden by its name; tokens are also recognised by their looks, in
whatever value they hide. Personal data is never handed to a logger in the first place.
"""

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

from web.settings import LogSettings

HIDDEN = "[hidden]"
_SECRET_NAME = re.compile(r"(password|secret|token|api_key|authorization|cookie|credential)", re.IGNORECASE)
_SECRET_LOOKS = re.compile(r"\b(?:ochre_|sk_|rk_|whsec_|ac_|rt_)[A-Za-z0-9_\-]{8,}")
_URL_PASSWORD = re.compile(r"(?<=://)([^/\s:@]*):[^/\s@]+@")


def configure(settings: LogSettings) -> None:
    """Send every log line of this process, also those of libraries, to standard error in the chosen form."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        redact,
    ]
    renderer: Any = (
        structlog.processors.JSONRenderer()
        if settings.format == "json"
        else structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(settings.level.upper())
    # These speak of every job and request; we log our own line for each.
    for chatty in ("alembic", "rq.worker", "werkzeug", "urllib3", "stripe", "_granian"):
        logging.getLogger(chatty).setLevel(max(logging.WARNING, root.level))


def redact(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Hide values with the names or the looks of secrets."""
    for name, value in event.items():
        if name != "event" and _SECRET_NAME.search(name) and isinstance(value, str):
            event[name] = HIDDEN
        elif isinstance(value, str):
            event[name] = _URL_PASSWORD.sub(rf"\1:{HIDDEN}@", _SECRET_LOOKS.sub(HIDDEN, value))
    return event
