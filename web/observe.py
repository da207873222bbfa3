"""What every request leaves behind: an id in its answer and in each log line, one line of its own, one measurement."""

import re
import time

import structlog
from flask import Flask, Response, g, request

from engine.ports import Clock
from web.metrics import Metrics

HEADER = "X-Request-Id"
_SANE_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")

log = structlog.get_logger(__name__)


def install(app: Flask, clock: Clock, metrics: Metrics) -> None:
    """Observe every request of `app`; must be installed before anything that can refuse one."""

    def begin() -> None:
        sent = request.headers.get(HEADER, "")
        g.request_id = sent if _SANE_ID.fullmatch(sent) else clock.new_id("req")
        g.began = time.perf_counter()
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=g.request_id)

    def end(response: Response) -> Response:
        seconds = time.perf_counter() - g.began
        # The template, never the path: paths hold ids, and there are too many of them to count.
        route = request.url_rule.rule if request.url_rule is not None else "(none)"
        response.headers[HEADER] = g.request_id
        metrics.requests.labels(request.method, route, str(response.status_code)).observe(seconds)
        log.info(
            "request",
            method=request.method,
            route=route,
            status=response.status_code,
            ms=round(seconds * 1000, 1),
        )
        return response

    app.before_request(begin)
    app.after_request(end)
