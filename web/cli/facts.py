"""`ochre facts`: what facts there are, and what they are for one customer's objects."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Any, TextIO

import click

from engine.core.facts import Facts, JsonValue, to_json
from engine.faults import Invalid
from engine.workspace.settings import parse as parse_settings
from stripe_sync.catalog import STRIPE_FACTS
from stripe_sync.derive import DeriveSettings, GivenRates, at, derive, explain
from stripe_sync.objects import bundle_from_json
from web.cli.output import format_option, show
from web.clock import SystemClock
from web.facts import CATALOG, as_markdown, describe

NOT_OF_A_BUNDLE = frozenset({"customer", "match", "account", "synced_at", "sync_age", "recent_events"})
"""Facts of the link and the connection, which a bundle does not tell, and of the timeline."""
TIMELINE = "days_since_"


@click.group("facts")
def command() -> None:
    """List and derive facts."""


@command.command("catalog")
@click.option(
    "--format",
    "output_format",
    type=click.Choice(["table", "json", "markdown"]),
    default="table",
    show_default=True,
    help="table for people, json for scripts, markdown for the documentation.",
)
def catalog(output_format: str) -> None:
    """List every fact a rule may name."""
    if output_format == "markdown":
        click.echo(as_markdown(CATALOG), nl=False)
    elif output_format == "json":
        show([describe(spec) for spec in CATALOG], "json")
    else:
        show([{"fact": spec.name, "type": spec.type.value, "meaning": spec.definition} for spec in CATALOG], "text")


@command.command("derive")
@click.argument("bundle", type=click.File(encoding="utf-8"), metavar="BUNDLE.json")
@click.option("--at", "at_time", metavar="TIME", help="The instant to derive for, ISO 8601; now by default.")
@click.option("--currency", metavar="CODE", help="The reporting currency; the settings' or usd by default.")
@click.option(
    "--rate", "rates", multiple=True, metavar="CODE=RATE", help="What one unit is worth; only these are used."
)
@click.option("--settings", "settings_file", type=click.File(encoding="utf-8"), help="A workspace's settings as JSON.")
@click.option("--explain", "explains", is_flag=True, help="Print how the numbers were made, too.")
@format_option(default="json")
def derive_command(
    bundle: TextIO,
    at_time: str | None,
    currency: str | None,
    rates: tuple[str, ...],
    settings_file: TextIO | None,
    *,
    explains: bool,
    output_format: str,
) -> None:
    """Derive the facts of the customer in BUNDLE.json and print them with their notes."""
    settings = _settings({} if settings_file is None else _document(settings_file), currency, rates)
    now = SystemClock().now() if at_time is None else _instant(at_time)
    objects = bundle_from_json(_document(bundle))
    report = _report(at(derive(objects, now, settings), now))
    if explains:
        report["explain"] = {fact: dict(lines) for fact, lines in explain(objects, now, settings).items()}
    show(report, output_format)


def _report(facts: Facts) -> dict[str, JsonValue]:
    shown = [
        spec.name for spec in STRIPE_FACTS if spec.name not in NOT_OF_A_BUNDLE and not spec.name.startswith(TIMELINE)
    ]
    return {
        "facts": {name: to_json(facts.get(name)) for name in shown},
        "notes": [
            {"fact": note.fact, "code": note.code, "message": note.message}
            for note in facts.notes
            if note.fact in shown
        ],
    }


def _document(file: TextIO) -> Mapping[str, Any]:
    """Return the JSON object in `file`; decimals stay as they are written."""
    try:
        document = json.load(file, parse_float=Decimal)
    except (ValueError, RecursionError) as error:
        raise click.ClickException(f"{file.name} is not JSON: {error}") from error
    if not isinstance(document, dict):
        raise click.ClickException(f"{file.name} does not hold a JSON object")
    return document


def _settings(written: Mapping[str, Any], currency: str | None, rates: tuple[str, ...]) -> DeriveSettings:
    chosen = {**written, "reporting_currency": currency} if currency is not None else written
    parsed = parse_settings(chosen)
    if isinstance(parsed, Invalid):
        raise click.UsageError("; ".join(f"{fault.pointer}: {fault.message}" for fault in parsed.faults))
    into = parsed.reporting_currency
    return DeriveSettings(
        reporting_currency=into,
        timezone=parsed.timezone,
        subtract_repeating=parsed.subtract_repeating,
        subtract_once=parsed.subtract_once,
        churn_at=parsed.churn_at,
        rates=GivenRates(into=into, rates=dict(_rate(each) for each in rates)),
    )


def _rate(written: str) -> tuple[str, Fraction]:
    code, _, value = written.partition("=")
    try:
        rate = Decimal(value)
    except InvalidOperation:
        rate = Decimal("NaN")
    if not code or not rate.is_finite() or rate <= 0:
        raise click.UsageError(f"--rate {written!r}: write it as eur=1.10, what one unit is worth")
    return code.strip().lower(), Fraction(rate)


def _instant(written: str) -> datetime:
    try:
        instant = datetime.fromisoformat(written)
    except ValueError:
        raise click.UsageError(f"--at {written!r}: write an instant as 2026-11-20T12:00:00Z") from None
    return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)
