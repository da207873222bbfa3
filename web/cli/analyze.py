"""`ochre rules analyze`: what can be proved about a ruleset without any conversation.

Exit codes: 0 it was analyzed, whatever was found; 1 it has errors, or with `--strict` something was proved to be
wrong with it; 2 wrong usage. Diagnostics of a ruleset with errors go to standard error.
"""

import gc
import importlib.util
import json
from collections.abc import Sequence
from pathlib import Path

import click

from rules.analysis.analyze import MOST_SOLVED, MakeProver, analyze
from rules.analysis.findings import AnalysisFinding, Code, Verdict
from rules.analysis.ports import FactStatistics
from rules.check import check
from rules.diagnostics import render, summarize
from web.clock import SystemClock
from web.facts import CATALOG

HARMLESS = frozenset({Code.OVERLAP, Code.NO_CUSTOMER_HAS})
"""What may be meant so: `--strict` lets it pass."""


@click.command("analyze")
@click.argument("ruleset", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="RULES.yaml")
@click.option("--format", "format_", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option("--strict", is_flag=True, help="Exit with 1 if something is proved wrong (overlaps may be meant).")
@click.option("--workspace", metavar="NAME", help="Also find rules that need a fact no customer there has.")
@click.pass_context
def analyze_command(
    context: click.Context, ruleset: Path, format_: str, *, strict: bool, workspace: str | None
) -> None:
    """Find rules that never match or are never reached, duplicates, and fights for slots."""
    text = ruleset.read_bytes().decode("utf-8", "surrogateescape")
    checked = check(text, CATALOG)
    if checked.ruleset is None:
        click.echo(render(checked.diagnostics, text, str(ruleset)), nl=False, err=True)
        click.echo(summarize(checked.diagnostics), err=True)
        context.exit(1)
    statistics = None if workspace is None else _statistics(workspace)
    gc.disable()  # what is built is kept till the end; walking it over and over takes a quarter of the time
    findings = analyze(
        checked.ruleset, now=SystemClock().now(), statistics=statistics, make_prover=_prover(len(checked.ruleset.rules))
    )
    gc.enable()
    if format_ == "json":
        click.echo(json.dumps({"findings": [one.to_json() for one in findings]}, ensure_ascii=False))
    else:
        click.echo(_text(findings), nl=False)
    if strict and any(one.verdict is Verdict.PROVED and one.code not in HARMLESS for one in findings):
        context.exit(1)


def _prover(rules: int) -> MakeProver | None:
    """Return the solver, if it is installed and the ruleset is small enough for it."""
    if rules > MOST_SOLVED or importlib.util.find_spec("z3") is None:
        return None
    from rules.analysis.solver import Z3Prover

    return Z3Prover


def _text(findings: Sequence[AnalysisFinding]) -> str:
    lines = []
    for one in findings:
        lines.append(f"{one.rule}: {one.code.value} ({one.verdict.value})\n    {one.message}\n")
        if one.example is not None:
            lines.append(f"    for example {json.dumps(dict(one.example), ensure_ascii=False)}\n")
    count = len(findings)
    return "".join(lines) + ("no findings\n" if not count else f"{count} finding{'' if count == 1 else 's'}\n")


def _statistics(workspace_name: str) -> FactStatistics:
    # Only this needs the service's settings and database.
    from stripe_sync.fact_statistics_repository import known_counts
    from web.cli.lookup import find_workspace
    from web.startup import load_services

    services = load_services()
    workspace = find_workspace(services, workspace_name)
    with services.database.workspace(workspace.id, readonly=True) as session:
        return known_counts(workspace.id, session)
