"""One rule of 10,000 changed, saved and published in one process: when another, that decides all the time, knows it.

The other process is one that runs already: it decides conversation after conversation with the version before, and
tells when the new one decided. Counted from before the text is saved, wall time, on SQLite and on PostgreSQL
(`synchronous_commit=on`).
"""

import multiprocessing
import time
from collections.abc import Sequence
from multiprocessing.connection import Connection

from rich.console import Console
from rich.table import Table

from engine.core.decide import decide
from engine.ids import MemberId, WorkspaceId
from engine.ports import ActiveRuleset
from engine.storage import Database
from engine.workspace.models import References
from rules.models import PublishedVersion
from rules.service import RulesetService
from tests.bench import workload
from tests.bench.receive_bench import databases
from tests.bench.workload import NOW, Rule
from web.clock import SystemClock
from web.facts import CATALOG

RULES = 10_000
CHANGES = 5
WANTED_S = 1.0
PAUSE_S = 0.005
"""Between two conversations of the process that decides."""
WORKSPACE, MEMBER = WorkspaceId("workspace_bench"), MemberId("member_bench")


def run(console: Console) -> None:
    """Run on both databases and print it."""
    table = Table(title=f"One of {RULES:,} rules changed, saved, published, and deciding in another process")
    for heading in ("database", "median", "longest", ""):
        table.add_column(heading, justify="right")
    for name, url in databases():
        with url as found:
            took = _times(found)
        verdict = "reached" if took[-1] < WANTED_S else f"NOT under {WANTED_S:.0f} s"
        table.add_row(name, f"{took[len(took) // 2] * 1e3:,.0f} ms", f"{took[-1] * 1e3:,.0f} ms", verdict)
    console.print(table)


def _times(url: str) -> list[float]:
    """Return how long each change took, in seconds, ascending."""
    rules = workload.rules(RULES, 0.01, seed=RULES)
    database, rulesets = Database(url), _service()
    _publish(database, rulesets, _text(rules))
    ours, theirs = multiprocessing.get_context("spawn").Pipe()
    other = multiprocessing.get_context("spawn").Process(target=_decide_on, args=(url, theirs), daemon=True)
    other.start()
    try:
        for _ in ("version", "time"):
            ours.recv()
        took = []
        for number in range(CHANGES):
            rules[number * (RULES // CHANGES) + 7] = workload.rules(1, 0.01, seed=number)[0]
            text = _text(rules)
            began = time.monotonic()  # one clock for all processes of a machine
            version = _publish(database, rulesets, text)
            while ours.recv() != version:
                pass
            took.append(ours.recv() - began)
        return sorted(took)
    finally:
        other.terminate()
        other.join()
        database.dispose()


def _text(rules: Sequence[Rule]) -> str:
    lines = [f"  - {{name: r{n}, when: '{workload.condition(rule)}', then: {{}}}}" for n, rule in enumerate(rules)]
    lines = [line.replace("then: {}", "then: {add_tags: [bench]}") for line in lines]
    return "\n".join(["version: 1", "rules:", *lines, "fallback: {assign_team: support}\n"])


def _publish(database: Database, rulesets: RulesetService, text: str) -> int:
    with database.workspace(WORKSPACE) as session:
        published = rulesets.publish_text(WORKSPACE, session, text, MEMBER)
    if not isinstance(published, PublishedVersion):
        raise AssertionError(published)  # noqa: TRY004  # what it is instead says why
    return published.number


def _decide_on(url: str, told: Connection) -> None:
    """Decide one conversation after the other; tell each new version, and when it first decided."""
    database, rulesets = Database(url), _service()
    facts = workload.people(1, 0.0, seed=1)[0].facts
    version = 0
    while True:
        with database.workspace(WORKSPACE, readonly=True) as session:
            active: ActiveRuleset | None = rulesets.active(WORKSPACE, session)
        if active is not None:
            decide(active.ruleset, facts, now=NOW)
            if active.version != version:
                version = active.version
                told.send(version)
                told.send(time.monotonic())
        time.sleep(PAUSE_S)


def _service() -> RulesetService:
    return RulesetService(SystemClock(), CATALOG, lambda _workspace, _session: References(teams=frozenset({"support"})))


def main() -> None:
    """Run this benchmark alone."""
    run(Console(width=120))


if __name__ == "__main__":
    main()
