"""Selecting people in SQL on both databases: exact numbers, time limits, pages, freshness, walls."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import text

from engine.core.facts import Facts
from engine.ids import EndUserId, WorkspaceId
from engine.storage import Database
from rules import sql
from rules.sql import selection
from rules.sql.time_limit import limited
from stripe_sync import fact_repository
from stripe_sync.fact_changes import StoredFacts
from tests.integration.rules.people import HERE, Crowd, check, gather
from tests.unit.rules.fact_generator import NOW

MONEY = ("1000", "999.999999", "1000.000001", "0", "-0.000001", "9223372036854.775807", "-9223372036854.775808")


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("mrr == 1000", {"1000"}),
        ("mrr > 1000", {"1000.000001", "9223372036854.775807"}),
        ("mrr >= 1000.0000001", {"1000.000001", "9223372036854.775807"}),
        ("mrr > 999.9999989999", {"1000", "999.999999", "1000.000001", "9223372036854.775807"}),
        ("mrr == 999.9999999", set()),
        ("mrr != 999.9999999", set(MONEY)),
        ("mrr < 1e30", set(MONEY)),
        ("mrr >= 9223372036854.775808", set()),
        ("mrr <= -9223372036854.775808", {"-9223372036854.775808"}),
        ("mrr < 0", {"-0.000001", "-9223372036854.775808"}),
        ("-mrr == 9223372036854.775808", {"-9223372036854.775808"}),
        ("mrr * 1000 > 9223372036854775", {"9223372036854.775807"}),
        ("mrr + mrr == 18446744073709.551614", {"9223372036854.775807"}),
    ],
)
def test_money_is_compared_exactly(database: Database, condition: str, expected: set[str]) -> None:
    """Six decimals, literals with more, sums beyond 64 bits: SQL's answer is the exact one."""
    crowd = gather(database, 0)
    news = {EndUserId(amount): StoredFacts(facts=Facts(as_of=NOW, values={"mrr": Decimal(amount)})) for amount in MONEY}
    with database.workspace(HERE) as session:
        fact_repository.store_many(HERE, session, news, NOW)
    exact = {amount: Facts(as_of=NOW, values={"mrr": Decimal(amount)}) for amount in MONEY}

    assert _ask(crowd, condition, exact) == expected


def test_texts_are_seen_as_far_as_rules_see_them(database: Database) -> None:
    """What stands beyond 4,096 characters is not there, and what stands right before is."""
    texts = ("é" * 4096, "é" * 4097, "é" * 4095 + "xyz", "é" * 4093 + "xyz", "x", "", "𝄞" * 5000)
    crowd = gather(database, 0)
    facts = {str(number): Facts(as_of=NOW, values={"plan": words}) for number, words in enumerate(texts)}
    news = {EndUserId(id_): StoredFacts(facts=each) for id_, each in facts.items()}
    with database.workspace(HERE) as session:
        fact_repository.store_many(HERE, session, news, NOW)
    for condition in (
        "plan.length == 4096",
        "plan.length > 4096",
        '"xyz" in plan',
        '"x" in plan',
        'plan.ends_with("xyz")',
        'plan.ends_with("é")',
        'plan.starts_with("é")',
        r'plan =~~ "x$"',
        r'plan =~~ "z\Z"',
        'plan != "x"',
        "plan == email or plan == plan",
        "plan.is_empty",
    ):
        tree = check(condition)
        assert tree is not None
        with database.workspace(HERE, readonly=True) as session:
            crowd = replace(crowd, facts=facts)
            assert crowd.agree(session, condition, tree) == "sql"


def test_a_query_that_takes_too_long_is_stopped(database: Database) -> None:
    """The database gives up, the caller learns it, and the next query works."""
    forever = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
    with (
        pytest.raises(sql.TooSlowError),
        database.workspace(HERE, readonly=True) as session,
        limited(session, timedelta(milliseconds=50)),
    ):
        session.execute(text(forever))
    with database.workspace(HERE, readonly=True) as session, limited(session, timedelta(seconds=10)):
        assert session.scalar(text("SELECT 1")) == 1


def test_a_page_looks_at_a_bounded_number_of_people(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the interpreter judges, a page ends after so many and says where the next begins."""
    monkeypatch.setattr(selection, "BATCH", 10)
    monkeypatch.setattr(selection, "MOST_RECHECKED", 20)
    crowd = gather(database, 50)
    tree = check("mrr.to_str == 'never'")
    assert tree is not None
    with database.workspace(HERE, readonly=True) as session:
        pages = []
        after: str | None = None
        while True:
            found, evaluated = crowd.people.page(HERE, session, tree, after=after, limit=5)
            pages.append(found)
            after = found.next
            if after is None:
                break

    assert evaluated == "mixed"
    assert [page.ids for page in pages] == [(), (), ()]
    assert pages[0].next == "usr_000030"


def test_other_workspaces_are_not_seen(database: Database) -> None:
    """A condition of one workspace finds nobody of another."""
    crowd = gather(database, 5)
    there = WorkspaceId("ws_there")
    tree = check("mrr == null or mrr != null")
    assert tree is not None
    with database.workspace(HERE, readonly=True) as session:
        prepared = crowd.people.prepare(HERE, session, tree)
        assert sql.count(session, prepared.source, prepared.condition) == 5
    if database.is_postgresql:
        with database.workspace(there, readonly=True) as session:
            assert sql.count(session, prepared.source, prepared.condition) == 0


# helpers


def _ask(crowd: Crowd, condition: str, exact: dict[str, Facts]) -> set[str]:
    tree = check(condition)
    assert tree is not None
    with crowd.database.workspace(HERE, readonly=True) as session:
        prepared = crowd.people.prepare(HERE, session, tree)
        source = selection.Source(
            table=prepared.source.table, id=prepared.source.id, scope=prepared.source.scope, facts=lambda _: exact
        )
        return set(sql.matching(session, source, prepared.condition))
