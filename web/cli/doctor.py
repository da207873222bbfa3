"""`ochre doctor`: is everything there that Ochre needs?"""

from dataclasses import dataclass

import click
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from web.cli.output import format_option, show
from web.startup import load_services
from web.wiring import Services


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one check found."""

    check: str
    ok: bool
    message: str

    def to_json(self) -> dict[str, object]:
        """Return the finding as data."""
        return {"check": self.check, "ok": self.ok, "message": self.message}


@click.command("doctor")
@format_option()
def command(output_format: str) -> None:
    """Check settings, database, Redis, workers and keys; exit with 1 if something is wrong."""
    services = load_services()
    findings = [
        Finding(check="settings", ok=True, message="complete"),
        *_readiness(services),
        *_database_role(services),
        _stripe(services),
    ]
    show([finding.to_json() for finding in findings], output_format)
    if not all(finding.ok for finding in findings):
        raise SystemExit(1)


def _readiness(services: Services) -> list[Finding]:
    from web.readiness import read

    found = read(services)
    advice = {"outdated": "the schema is not the expected one; run `ochre migrate`"}
    redis_advice = {"not configured": "OCHRE_REDIS_URL is not set; no work is done beyond requests"}
    return [
        Finding(check="database", ok=found.database_ok, message=advice.get(found.database, found.database)),
        Finding(check="redis", ok=found.redis == "ok", message=redis_advice.get(found.redis, found.redis)),
        Finding(
            check="workers",
            ok=found.workers_ok,
            message=f"{found.workers} heard of lately" if found.workers else "none heard of lately; run `ochre worker`",
        ),
        Finding(
            check="scheduler",
            ok=found.scheduler == "ok",
            message="woke work lately" if found.scheduler == "ok" else "not heard of lately; run `ochre scheduler`",
        ),
    ]


def _database_role(services: Services) -> list[Finding]:
    """Say whether the database's wall between workspaces holds for our role."""
    if not services.database.is_postgresql:
        return []
    query = text("SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user")
    try:
        with services.database.system(readonly=True) as session:
            passes_walls = bool(session.scalar(query))
    except SQLAlchemyError:
        return []
    message = (
        "is a superuser or bypasses row security, so the wall between workspaces does not hold; use a plain role"
        if passes_walls
        else "a plain role; row security holds"
    )
    return [Finding(check="database role", ok=not passes_walls, message=message)]


def _stripe(services: Services) -> Finding:
    stripe = services.settings.stripe
    kinds = [name for name, keys in (("live", stripe.live), ("test", stripe.test), ("app", stripe.app)) if keys]
    message = f"platform keys for {', '.join(kinds)}" if kinds else "no platform keys; only restricted keys can connect"
    return Finding(check="stripe", ok=True, message=message)
