"""`ochre facts`: what facts there are, and what they are for one customer's objects."""

from collections.abc import Mapping
from typing import Any, BinaryIO

import click

from engine.core.facts import Facts, JsonValue, to_json
from engine.faults import Invalid
from engine.workspace.settings import parse as parse_settings
from stripe_sync.catalog import STRIPE_FACTS
from stripe_sync.derive import DeriveSettings, GivenRates, at, derive, explain
from stripe_sync.derive.explain import Explanation
from web.cli import facts_input
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
@click.argument("bundle", type=click.File("rb"), metavar="BUNDLE.json")
@click.option("--at", "at_time", metavar="TIME", help="The instant to derive for, ISO 8601; now by default.")
@click.option("--currency", metavar="CODE", help="The reporting currency; the settings' or usd by default.")
@click.option(
    "--rate",
    "rates",
    multiple=True,
    metavar="CODE=RATE",
    help="What one unit is worth in the reporting currency; only the rates given are used.",
)
@click.option(
    "--settings",
    "settings_file",
    type=click.File("rb"),
    metavar="FILE",
    help="A workspace's settings as JSON; rates in it are not used.",
)
@click.option("--explain", "explains", is_flag=True, help="Print how the numbers were made, too.")
@format_option(default="json")
def derive_command(
    bundle: BinaryIO,
    at_time: str | None,
    currency: str | None,
    rates: tuple[str, ...],
    settings_file: BinaryIO | None,
    *,
    explains: bool,
    output_format: str,
) -> None:
    """Derive the facts of the customer in BUNDLE.json and print them with their notes.

    BUNDLE.json holds the customer and lists of what is theirs, as Stripe's API returns them; - reads standard input.
    """
    names = {facts_input.name_of(file) for file in (bundle, settings_file) if file is not None}
    if settings_file is not None and names == {facts_input.STANDARD_INPUT}:
        raise click.UsageError("BUNDLE.json and --settings cannot both be standard input")
    settings = _settings(settings_file, currency, rates)
    now = SystemClock().now() if at_time is None else facts_input.instant(at_time)
    objects = facts_input.read_bundle(bundle)
    report = _report(at(derive(objects, now, settings), now))
    explained = explain(objects, now, settings) if explains else None
    if output_format == "text":
        _show_text(report, explained)
        return
    if explained is not None:
        report["explain"] = {fact: dict(lines) for fact, lines in explained.items()}
    show(report, "json")


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


def _show_text(report: Mapping[str, Any], explained: Mapping[str, Explanation] | None) -> None:
    show([{"fact": name, "value": value} for name, value in report["facts"].items()], "text")
    for note in report["notes"]:
        click.echo(f"note  {note['fact']}: {note['message']}")
    for fact, explanation in (explained or {}).items():
        click.echo(f"\n{fact}")
        for line in _lines_of(explanation):
            click.echo("  " + "  ".join(f"{name}={_plain(value)}" for name, value in line.items() if value is not None))
        if explanation.get("missing"):
            click.echo(f"  no value, because {explanation['missing']}")
        elif explanation.get("exact") is not None:
            if explanation["rounding"] not in {None, "0"}:
                click.echo(f"  rounding={explanation['rounding']}")
            click.echo(f"  {explanation['exact']} = {explanation['value']} {explanation['currency']}")


def _lines_of(explanation: Explanation) -> list[dict[str, JsonValue]]:
    lines = explanation.get("lines")
    return [line for line in lines if isinstance(line, dict)] if isinstance(lines, list) else []


def _plain(value: JsonValue) -> str:
    if isinstance(value, list):
        return ",".join(_plain(element) for element in value) or "-"
    return ":".join(str(part) for part in value.values()) if isinstance(value, dict) else str(value)


def _settings(file: BinaryIO | None, currency: str | None, rates: tuple[str, ...]) -> DeriveSettings:
    written = {} if file is None else facts_input.read_object(file)
    parsed = parse_settings(written)
    if isinstance(parsed, Invalid):
        told = "; ".join(f"{fault.pointer}: {fault.message}" for fault in parsed.faults)
        raise click.ClickException(
            f"{facts_input.name_of(file) if file else 'the settings'} does not hold settings: {told}"
        )
    into = parsed.reporting_currency if currency is None else facts_input.currency(currency, "--currency")
    return DeriveSettings(
        reporting_currency=into,
        timezone=parsed.timezone,
        subtract_repeating=parsed.subtract_repeating,
        subtract_once=parsed.subtract_once,
        churn_at=parsed.churn_at,
        rates=GivenRates(into=into, rates=facts_input.rates(rates)),
    )
