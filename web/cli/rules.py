"""`ochre rules`: check a ruleset, analyze it, and run it over facts, without a service.

Exit codes: 0 all well, 1 the input is at fault, 2 wrong usage. Diagnostics of `check` are its output; those of
`eval` and `test` go to standard error.
"""

import codecs
import gc
import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

import click
from typing_extensions import override

from engine.core.decide import decide
from engine.core.ruleset import Ruleset, Trigger
from engine.workspace.models import References
from rules.cases import CasesError, differences, read_cases
from rules.check import CheckResult, check
from rules.compile import compile_ruleset, coverage_of
from rules.diagnostics import render, summarize
from rules.expression import parse_datetime
from rules.fact_input import FactInputError, parse_facts
from web.cli.analyze import analyze_command
from web.clock import SystemClock
from web.facts import CATALOG
from web.rule_notes import notes

_LONGEST_LINE = 16 * 1024 * 1024
_ENCODE = json.JSONEncoder(ensure_ascii=False).encode
_RULES_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


class Instant(click.ParamType[datetime]):
    """An ISO 8601 date and time; without an offset it is UTC."""

    name = "time"

    @override
    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """Return the instant, or fail with a usage error."""
        if isinstance(value, datetime):
            return value
        instant = parse_datetime(str(value), UTC)
        return self.fail(f"{value!r} is no date and time", param, ctx) if instant is None else instant


@click.group("rules")
@click.pass_context
def command(context: click.Context) -> None:
    """Check rulesets and try them out."""
    # What a ruleset is made of lives as long as the command; looking through it for garbage again and again would
    # take a fifth of the time.
    gc.disable()
    context.call_on_close(_enable_collector)


def _enable_collector() -> None:
    gc.freeze()  # else Python looks through everything once more before it ends
    gc.enable()


@command.command("check")
@click.argument("ruleset", type=_RULES_FILE, metavar="RULES.yaml")
@click.option("--format", "format_", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option("--strict", is_flag=True, help="Warnings fail the check too.")
@click.option("--workspace", metavar="NAME", help="Also check that teams, agents, queues and endpoints exist there.")
@click.pass_context
def check_command(context: click.Context, ruleset: Path, format_: str, *, strict: bool, workspace: str | None) -> None:
    """Check a ruleset and print every fault with its place."""
    text = _read(ruleset)
    references = None if workspace is None else _references(workspace)
    result = check(text, CATALOG, references)
    covered = None if result.ruleset is None else coverage_of(result.ruleset)
    found = () if result.ruleset is None else notes(result.ruleset, SystemClock().now())
    if format_ == "json":
        diagnostics = [diagnostic.to_json() for diagnostic in result.diagnostics]
        rules = None if covered is None else covered._asdict()
        told = [note.to_json() for note in found]
        whole = {"ok": result.ok, "diagnostics": diagnostics, "notes": told, "coverage": rules}
        click.echo(json.dumps(whole, ensure_ascii=False))
    else:
        click.echo(render(result.diagnostics, text, str(ruleset)), nl=False)
        for note in found:
            click.echo(f"{ruleset}: note: {note.message} (rule `{note.rule}`)")
        click.echo(summarize(result.diagnostics))
        if covered is not None:
            click.echo(f"{covered.compiled} of {covered.rules} rules compiled")
    if not result.ok or (strict and result.diagnostics):
        context.exit(1)


@command.command("eval")
@click.argument("ruleset", type=_RULES_FILE, metavar="RULES.yaml")
@click.option("--facts", required=True, type=click.File("rb"), metavar="F.jsonl", help="One JSON object a line.")
@click.option(
    "--on", "trigger", type=click.Choice([one.value for one in Trigger]), default="created", show_default=True
)
@click.option("--at", type=Instant(), help="The time of the evaluation; now if not given.")
@click.pass_context
def eval_command(context: click.Context, ruleset: Path, facts: IO[bytes], trigger: str, at: datetime | None) -> None:
    """Print one decision for each line of facts, in order."""
    compiled = _compile(context, ruleset)
    gc.freeze()
    gc.enable()  # a stream may be long
    now = at or SystemClock().now()
    try:
        for decision in _decisions(compiled, facts, trigger, now):
            sys.stdout.write(decision + "\n")
            sys.stdout.flush()
    except FactInputError as fault:
        click.echo(f"error: {fault}", err=True)
        context.exit(1)


@command.command("test")
@click.argument("ruleset", type=_RULES_FILE, metavar="RULES.yaml")
@click.option("--cases", "cases_file", required=True, type=_RULES_FILE, metavar="C.yaml", help="What is expected.")
@click.pass_context
def test_command(context: click.Context, ruleset: Path, cases_file: Path) -> None:
    """Decide each case and compare with what is expected of it."""
    compiled = _compile(context, ruleset)
    try:
        cases = read_cases(_read(cases_file), CATALOG, SystemClock().now())
    except CasesError as fault:
        click.echo(f"error: {cases_file}: {fault}", err=True)
        context.exit(1)
    failed = 0
    for case in cases:
        found = differences(compiled, case)
        failed += bool(found)
        click.echo(f"{'FAIL' if found else 'ok  '} {case.name}")
        for difference in found:
            click.echo(f"     {difference.key}")
            click.echo(f"       - expected {json.dumps(difference.expected, ensure_ascii=False)}")
            click.echo(f"       + got      {json.dumps(difference.got, ensure_ascii=False)}")
    click.echo(f"{len(cases) - failed} passed, {failed} failed")
    if failed:
        context.exit(1)


def _decisions(ruleset: Ruleset, facts: IO[bytes], trigger: str, now: datetime) -> Iterator[str]:
    for number, line in enumerate(iter(lambda: facts.readline(_LONGEST_LINE + 1), b""), 1):
        if len(line) > _LONGEST_LINE:
            raise FactInputError(f"line {number}: longer than {_LONGEST_LINE} bytes")
        if number == 1:
            line = line.removeprefix(codecs.BOM_UTF8)  # noqa: PLW2901  # some editors begin files with it
        if not line.strip():
            continue
        try:
            found = parse_facts(line.decode("utf-8"), CATALOG, now)
        except UnicodeDecodeError:
            raise FactInputError(f"line {number}: not UTF-8") from None
        except FactInputError as fault:
            raise FactInputError(f"line {number}: {fault}") from None
        decision = decide(ruleset, found.facts, now=now, on=trigger, conversation_id=found.conversation_id)
        yield _ENCODE(decision.to_line())


def _compile(context: click.Context, path: Path) -> Ruleset:
    """Return the ruleset ready to run; print its diagnostics and leave if it has errors."""
    text = _read(path)
    result: CheckResult = check(text, CATALOG)
    if result.ruleset is None:
        click.echo(render(result.diagnostics, text, str(path)), nl=False, err=True)
        click.echo(summarize(result.diagnostics), err=True)
        context.exit(1)
    return compile_ruleset(result.ruleset)


def _read(path: Path) -> str:
    # A byte that is no UTF-8 is a fault of the file with a place of its own, not a reason to give up.
    return path.read_bytes().decode("utf-8", "surrogateescape")


def _references(workspace_name: str) -> References:
    # Only this needs the service's settings and database.
    from engine.workspace.service import references
    from web.cli.lookup import find_workspace
    from web.startup import load_services

    services = load_services()
    workspace = find_workspace(services, workspace_name)
    with services.database.workspace(workspace.id, readonly=True) as session:
        return references(workspace.id, session)


command.add_command(analyze_command)


if __name__ == "__main__":
    command()
