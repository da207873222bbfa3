"""Whether this process lives, whether it can serve, and what it counts; all outside the API and for machines.

`/readyz` is about the database: without it nothing can be acknowledged. Redis and workers are reported in the body
and do not count, since conversations and webhooks are accepted without them; `?require=worker` makes them count.
"""

from typing import Any

import orjson
from flask import Blueprint, Response, request

from web import metrics
from web.auth.access import public
from web.current import services
from web.readiness import read

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
@public("tells only that the process answers")
def healthz() -> Response:
    """Say that the process answers."""
    return _json({"status": "ok"}, 200)


@blueprint.get("/readyz")
@public("tells load balancers whether to send requests; no data")
def readyz() -> Response:
    """Say whether requests can be served."""
    readiness = read(services())
    needs_worker = request.args.get("require") == "worker"
    is_ready = readiness.database_ok and (readiness.workers_ok or not needs_worker)
    return _json({"status": "ready" if is_ready else "not ready", **readiness.to_json()}, 200 if is_ready else 503)


@blueprint.get("/metrics")
@public("scraped by Prometheus inside the operator's network; counts only")
def show_metrics() -> Response:
    """Return the counters of this process."""
    return Response(services().metrics.render(), content_type=metrics.CONTENT_TYPE)


def _json(body: dict[str, Any], status: int) -> Response:
    return Response(orjson.dumps(body), status, mimetype="application/json")
