"""Which of a million people match a condition: one SQL query on each database against `rule_engine` over the same rows.

What is measured is processor time, the client's and the database server's together, from the checked condition to the
list of ids in Python; PostgreSQL works serially. `rule_engine` (typed, rows ready in memory) runs over the first 20,000
people and is scaled up; on those the ids are compared. Then every fact of the catalog is asked about alone, in each way
a condition can ask, and the slowest of these are shown beside what only counting rows of the same table takes.
"""

import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import rule_engine
from rich.console import Console
from rich.table import Table
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from engine.core.facts import FactSpec, FactType
from engine.ids import EndUserId, WorkspaceId
from engine.storage import Database
from engine.workspace import repository as workspaces
from engine.workspace.models import Workspace, WorkspaceSettings
from rules import sql
from rules.people import check_people_condition
from stripe_sync.catalog import STRIPE_FACTS
from stripe_sync.derive import GivenRates
from stripe_sync.fact_service import FactService
from stripe_sync.fact_sql import FACTS
from tests.bench.merchant_rows import NOW, WORKSPACE, fill
from tests.clock import FrozenClock
from tests.servers import migrate, start_postgresql
from web.facts import CATALOG
from web.people import People

PEOPLE = 1_000_000
SAMPLE = 20_000
HERE = WorkspaceId(WORKSPACE)
CONDITIONS = (
    "mrr > 1000",
    'status == "past_due"',
    "delinquent",
    "days_overdue > 30",
    'customer_since < d"2024-01-01"',
    'status == "past_due" and mrr > 500 and not delinquent',
    "(delinquent and mrr > 500) or (quantity > 45 and ltv < 500)",
    'plan =~ "^Enterprise"',
    'country == "DE"',
    '"example.com" in email',
    "on_trial",
    "overdue_invoices > 0",
    "card_days_left < 30",
    '"charged" in recent_events',
    "sync_age > 500",
    'status == "past_due" and plan =~ "^Enterprise" and not delinquent and mrr > 500',
)
LIMIT_MS = 400
"""What any condition over one fact may take."""
SLOWEST = 12
FLOORS = (
    ("the first column of whole rows", "account = 'x'"),
    ("the last column of whole rows", "valid_until > '2100-01-01'"),
    ("a column of an index", "mrr > 1000000000"),
)
_TYPES = {
    FactType.BOOLEAN: rule_engine.DataType.BOOLEAN,
    FactType.STRING: rule_engine.DataType.STRING,
    FactType.NUMBER: rule_engine.DataType.FLOAT,
    FactType.MONEY: rule_engine.DataType.FLOAT,
    FactType.DATETIME: rule_engine.DataType.DATETIME,
    FactType.STRINGS: rule_engine.DataType.ARRAY(rule_engine.DataType.STRING),
}
_NAMES = tuple(spec.name for spec in STRIPE_FACTS)
_CONTEXT = rule_engine.Context(
    resolver=rule_engine.resolve_item,
    type_resolver=rule_engine.type_resolver_from_dict({spec.name: _TYPES[spec.type] for spec in STRIPE_FACTS}),
    default_timezone="utc",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Crowd:
    database: Database
    people: People
    sample: Mapping[str, Mapping[str, Any]]


def show(console: Console, size: int = PEOPLE) -> None:
    """Measure on both databases and print the tables."""
    for name, opened in (("SQLite", _sqlite), ("PostgreSQL, serial", _postgresql)):
        table = Table(title=f"Preview over {size:,} people, ms of processor time: {name}")
        table.add_column("condition")
        for heading in ("matches", "Ochre", "rule_engine (scaled)", "ratio"):
            table.add_column(heading, justify="right")
        with opened() as database:
            crowd = _gather(database, size)
            for condition in CONDITIONS:
                table.add_row(condition, *_row(crowd, condition, size))
            console.print(table)
            console.print(_single_facts(crowd, name))


def _single_facts(crowd: _Crowd, name: str) -> Table:
    """Ask about every fact alone; show the slowest questions, and what reading the rows takes."""
    asked = [(*_asked(crowd, condition), condition) for spec in STRIPE_FACTS for condition in _questions(spec)]
    for _, ids, condition in asked:
        _compare(crowd, condition, ids)
    over = sum(seconds * 1e3 >= LIMIT_MS for seconds, _, _ in asked)
    table = Table(title=f"{len(asked)} questions about one fact, {over} of them not under {LIMIT_MS} ms: {name}")
    for heading in ("question", "matches", "ms"):
        table.add_column(heading, justify="left" if heading == "question" else "right")
    for seconds, ids, condition in sorted(asked, key=lambda one: one[0], reverse=True)[:SLOWEST]:
        table.add_row(condition, f"{len(ids):,}", f"{seconds * 1e3:,.0f}")
    with crowd.database.workspace(HERE, readonly=True) as session:
        measure = _stopwatch(session)
        for what, where in FLOORS:
            count = text(f"SELECT count(*) FROM end_user_facts WHERE workspace_id = '{WORKSPACE}' AND {where}")
            seconds, _ = min(measure(lambda count=count: list(session.scalars(count))) for _ in range(2))  # type: ignore[misc]  # bound in a loop
            table.add_row(f"count(*) over {what}", "", f"{seconds * 1e3:,.0f}")
    return table


def _questions(spec: FactSpec) -> tuple[str, ...]:
    name = spec.name
    missing = f"{name} == null"
    match spec.type:
        case FactType.BOOLEAN:
            return (name, f"not {name}", missing)
        case FactType.STRING if spec.closed_set is not None:
            return (f'{name} == "{spec.closed_set[0]}"', f'{name} != "{spec.closed_set[0]}"', missing)
        case FactType.STRING:
            return (f'{name} == "x"', f'{name} != "x"', f'{name} =~ "x"', f'"x1" in {name}', missing)
        case FactType.STRINGS:
            return (f'"charged" in {name}', missing)
        case FactType.DATETIME:
            return (f'{name} < d"2026-01-01"', f'{name} > d"2026-01-01"', missing)
        case _:
            return (f"{name} > 30", f"{name} < 30", f"{name} == 1", missing)


def _row(crowd: _Crowd, condition: str, size: int) -> tuple[str, ...]:
    ours_s, ours = _asked(crowd, condition)
    theirs_s = _compare(crowd, condition, ours)
    scaled_s = theirs_s * size / len(crowd.sample)
    return (f"{len(ours):,}", f"{ours_s * 1e3:,.0f}", f"{scaled_s * 1e3:,.0f}", f"{scaled_s / ours_s:.1f}x")


def _asked(crowd: _Crowd, condition: str) -> tuple[float, list[str]]:
    """Return the processor time of the quicker of two runs that follow a first one, and the ids."""
    tree = check_people_condition(condition, CATALOG, WorkspaceSettings().zone).tree
    if tree is None:
        raise AssertionError(condition)
    with crowd.database.workspace(HERE, readonly=True) as session:
        measure = _stopwatch(session)

        def ask() -> list[str]:
            prepared = crowd.people.prepare(HERE, session, tree)
            return list(sql.matching(session, prepared.source, prepared.condition))

        ask()
        return min((measure(ask) for _ in range(2)), key=lambda taken: taken[0])


def _compare(crowd: _Crowd, condition: str, ours: list[str]) -> float:
    """Hold the ids against those that `rule_engine` finds among the sample; return its processor time."""
    rule = rule_engine.Rule(condition, context=_CONTEXT)
    # Where one fact has no value the library may say yes; a condition over it is unknown then.
    names = [] if "null" in condition else [name for name in _NAMES if name in condition.split()]
    asked = names if len(names) == 1 else []
    theirs_s, theirs = _timed(
        lambda: [
            id_
            for id_, facts in crowd.sample.items()
            if _matches(rule, facts) and all(facts[name] is not None for name in asked)
        ]
    )
    if sorted(theirs) != sorted(id_ for id_ in ours if id_ in crowd.sample):
        raise AssertionError(f"Ochre and rule_engine disagree on {condition}")
    return theirs_s


def _matches(rule: rule_engine.Rule, facts: Mapping[str, Any]) -> bool:
    try:
        return bool(rule.matches(facts))
    except (rule_engine.EngineError, TypeError):  # a fact without value: no match
        return False


def _timed(work: Callable[[], list[str]]) -> tuple[float, list[str]]:
    began = time.process_time()
    result = work()
    return time.process_time() - began, result


def _stopwatch(session: Session) -> Callable[[Callable[[], list[str]]], tuple[float, list[str]]]:
    """Return a measure of processor time, of this process and of the server's that answers it."""
    if session.get_bind().dialect.name == "sqlite":
        return _timed
    session.execute(text("SET LOCAL max_parallel_workers_per_gather = 0"))
    server = psutil.Process(session.scalars(text("SELECT pg_backend_pid()")).one())

    def measure(work: Callable[[], list[str]]) -> tuple[float, list[str]]:
        before = server.cpu_times()
        client_s, result = _timed(work)
        after = server.cpu_times()
        return client_s + after.user + after.system - before.user - before.system, result

    return measure


def _gather(database: Database, size: int) -> _Crowd:
    made = Workspace(id=HERE, name="Bench", settings=WorkspaceSettings(), created_at=NOW)
    with database.workspace(HERE) as session:
        workspaces.insert_workspace(HERE, session, made)
    fill(database, size)
    service = FactService(GivenRates(into="usd", rates={}))
    with database.workspace(HERE, readonly=True) as session:
        query = select(FACTS.c.end_user_id).where(FACTS.c.workspace_id == HERE).order_by(FACTS.c.end_user_id)
        ids = [EndUserId(id_) for id_ in session.scalars(query.limit(SAMPLE))]
        kept = service.read_kept(HERE, session, ids, NOW)
    nothing = dict.fromkeys(spec.name for spec in STRIPE_FACTS)
    return _Crowd(
        database=database,
        people=People(FrozenClock(NOW), CATALOG, service),
        sample={str(id_): {**nothing, **facts.values} for id_, facts in kept.items()},
    )


@contextmanager
def _sqlite() -> Iterator[Database]:
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'ochre.db'}"
        migrate(url)
        database = Database(url)
        yield database
        database.dispose()


@contextmanager
def _postgresql() -> Iterator[Database]:
    with start_postgresql() as server, server.fresh_database() as url:
        database = Database(url)
        yield database
        database.dispose()
