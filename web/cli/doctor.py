"""`ochre doctor`: is everything there that Ochre needs?

Containers run `ochre doctor --only …` every half minute as their health check, so each check imports what it needs.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import click

from web.cli.output import format_option, show
from web.startup import load_settings

if TYPE_CHECKING:
    from engine.storage import Database
    from web.readiness import RedisReadiness
    from web.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one check found."""

    check: str
    ok: bool
    message: str

    def to_json(self) -> dict[str, object]:
        """Return the finding as data."""
        return {"check": self.check, "ok": self.ok, "message": self.message}


@dataclass(frozen=True)
class Patient:
    """What the checks look at; each part is made when the first check asks for it."""

    settings: "Settings"

    @cached_property
    def database(self) -> "Database":
        """Return the database, connected to by the first question."""
        from engine.storage import Database

        return Database(self.settings.database_url)

    @cached_property
    def redis(self) -> "RedisReadiness":
        """Return what Redis said."""
        from web.clock import SystemClock
        from web.readiness import read_redis

        return read_redis(self.settings.redis_url, SystemClock().now())


def _settings(_patient: Patient) -> Finding:
    return Finding(check="settings", ok=True, message="complete")  # with faults there is no patient to look at


def _database(patient: Patient) -> Finding:
    from web.readiness import read_database

    found = read_database(patient.database)
    advice = {"outdated": "the schema is not the expected one; run `ochre migrate`"}
    return Finding(check="database", ok=found == "ok", message=advice.get(found, found))


def _database_role(patient: Patient) -> Finding | None:
    """Say whether PostgreSQL's wall between workspaces holds for our role."""
    from sqlalchemy import text
    from sqlalchemy.exc import SQLAlchemyError

    if not patient.database.is_postgresql:
        return None
    query = text("SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user")
    try:
        with patient.database.system(readonly=True) as session:
            passes_walls = bool(session.scalar(query))
    except SQLAlchemyError:
        return None
    message = (
        "is a superuser or bypasses row security, so the wall between workspaces does not hold; use a plain role"
        if passes_walls
        else "a plain role; row security holds"
    )
    return Finding(check="database-role", ok=not passes_walls, message=message)


def _redis(patient: Patient) -> Finding:
    found = patient.redis.state
    advice = {"not configured": "OCHRE_REDIS_URL is not set; no work is done beyond requests"}
    return Finding(check="redis", ok=found == "ok", message=advice.get(found, found))


def _worker(patient: Patient) -> Finding:
    count = patient.redis.workers
    message = f"{count} heard of lately" if count else "none heard of lately; run `ochre worker`"
    return Finding(check="worker", ok=count > 0, message=message)


def _scheduler(patient: Patient) -> Finding:
    from web.clock import SystemClock
    from web.readiness import read_scheduler

    is_heard = read_scheduler(patient.database, SystemClock().now()) == "ok"
    message = "woke work lately" if is_heard else "not heard of lately; run `ochre scheduler`"
    return Finding(check="scheduler", ok=is_heard, message=message)


def _stripe(patient: Patient) -> Finding:
    stripe = patient.settings.stripe
    kinds = [name for name, keys in (("live", stripe.live), ("test", stripe.test), ("app", stripe.app)) if keys]
    message = f"platform keys for {', '.join(kinds)}" if kinds else "no platform keys; only restricted keys can connect"
    return Finding(check="stripe", ok=True, message=message)


CHECKS: dict[str, Callable[[Patient], Finding | None]] = {
    "settings": _settings,
    "database": _database,
    "database-role": _database_role,
    "redis": _redis,
    "worker": _worker,
    "scheduler": _scheduler,
    "stripe": _stripe,
}
"""Every check by its name; None says that there is nothing to check here."""


@click.command("doctor")
@click.option("--only", type=click.Choice(list(CHECKS)), multiple=True, help="Check only this; may be given again.")
@format_option()
def command(only: tuple[str, ...], output_format: str) -> None:
    """Check settings, database, Redis, processes and keys; exit with 1 if something is wrong."""
    from web.logging import configure
    from web.settings import LogSettings

    patient = Patient(load_settings())
    configure(LogSettings(format="console", level="warning"))
    findings = [found for name, check in CHECKS.items() if not only or name in only if (found := check(patient))]
    show([finding.to_json() for finding in findings], output_format)
    if not all(finding.ok for finding in findings):
        raise SystemExit(1)
