"""The fact store: what is written is read back, and SQL agrees with Python at any instant."""

from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select

from engine.core.facts import Facts, FactValue, Reason
from engine.ids import EndUserId
from engine.storage import Database
from stripe_sync import fact_repository
from stripe_sync.catalog import STRIPE_FACTS
from stripe_sync.derive import at, combine, without_customer
from stripe_sync.fact_changes import StoredFacts
from stripe_sync.fact_sql import FACTS, sql_value
from tests.integration.facts.world import HERE
from tests.unit.derive.build import (
    NOW,
    charge,
    customer,
    invoice,
    item,
    percent,
    price,
    seconds,
    settings,
    subscription,
)
from tests.unit.derive.build import stored as derived

EVERY_WAY: dict[str, Facts] = {
    "nothing": derived(),
    "nobody": without_customer(Reason.NO_CUSTOMER, "none", NOW),
    "half read": derived(settings(complete=frozenset({"customers", "invoices"}))),
    "half a timeline": derived(settings(complete=frozenset({"customers", "charges", "refunds"})), charges=[charge()]),
    "busy": derived(  # and read a moment ago
        customer=customer(currency="eur", balance=-5, delinquent=True),
        subscriptions=[
            subscription(
                item(price("12.345"), 7),
                status="trialing",
                trial_end=seconds(2.5),
                discounts=[percent(10, "repeating", end=seconds(1))],
                pause_collection={"behavior": "void", "resumes_at": seconds(3)},
                default_payment_method={"card": {"brand": "visa", "last4": "1", "exp_month": 11, "exp_year": 2026}},
            )
        ],
        invoices=[
            invoice("open", due_date=seconds(-2)),
            invoice("open", due_date=seconds(2), id="in_b"),
            invoice("open", attempt_count=1, id="in_c"),
        ],
        charges=[charge(status="failed"), charge(id="ch_b", created=seconds(-29))],
        refunds=[{"id": "re", "charge": "ch_b", "status": "succeeded", "created": seconds(-29.9)}],
    ).with_values({"synced_at": NOW}),
    "ended": derived(subscriptions=[subscription(status="canceled", ended_at=seconds(-3), created=seconds(-400))]),
}
EVERY_WAY["two"] = combine([derived(), derived(charges=[charge()], invoices=[invoice("open", due_date=5)])], NOW)
MOMENTS = (
    NOW - timedelta(days=500),
    NOW,
    NOW + timedelta(microseconds=1),
    NOW + timedelta(days=2, seconds=-1),
    NOW + timedelta(days=2),
    NOW + timedelta(days=2, microseconds=999_999),
    NOW + timedelta(days=2, seconds=1),
    NOW + timedelta(days=2.5),
    NOW + timedelta(days=3),
    NOW + timedelta(days=30),
    datetime(2026, 12, 1, tzinfo=NOW.tzinfo),
)


@pytest.fixture(name="filled")
def _filled(database: Database) -> Database:
    with database.workspace(HERE) as session:
        news = {EndUserId(name): StoredFacts(facts=facts) for name, facts in EVERY_WAY.items()}
        fact_repository.store_many(HERE, session, news, NOW)
    return database


def test_what_is_written_is_read_back(filled: Database) -> None:
    """Values, instants, reasons and notes survive the store; text, money and arrays keep their types."""
    with filled.workspace(HERE) as session:
        for name, facts in EVERY_WAY.items():
            found = fact_repository.read(HERE, session, EndUserId(name))

            assert found is not None
            assert found.values == facts.values
            assert {*found.reasons} - {"recent_events"} == {*facts.reasons}
            assert (found.as_of, found.notes) == (facts.as_of, facts.notes)


def test_unknown_end_user_has_no_row(filled: Database) -> None:
    """Nothing is read where nothing was written, and nothing after it is forgotten."""
    with filled.workspace(HERE) as session:
        assert fact_repository.read(HERE, session, EndUserId("stranger")) is None
        fact_repository.forget(HERE, session, [EndUserId("busy")])
        assert fact_repository.read(HERE, session, EndUserId("busy")) is None


def test_sql_agrees_with_python_at_any_instant(filled: Database) -> None:
    """Every fact's SQL form has the value Python gives, and is null where there is none, around every boundary."""
    with filled.workspace(HERE) as session:
        for moment in MOMENTS:
            expressions = [sql_value(spec, moment).label(f"value_{spec.name}") for spec in STRIPE_FACTS]
            rows = session.execute(select(FACTS.c.end_user_id, *expressions)).all()
            assert len(rows) == len(EVERY_WAY)
            for row in rows:
                stored = fact_repository.read(HERE, session, row.end_user_id)
                assert stored is not None
                in_sql = {spec.name: _typed(getattr(row, f"value_{spec.name}")) for spec in STRIPE_FACTS}
                assert in_sql == _in_python(stored, moment)


def test_sql_form_filters(filled: Database) -> None:
    """A condition over a clock fact selects the same end users as Python does."""
    later = NOW + timedelta(days=2.2)
    overdue = next(spec for spec in STRIPE_FACTS if spec.name == "overdue_invoices")
    with filled.workspace(HERE) as session:
        query = select(FACTS.c.end_user_id).where(sql_value(overdue, later) > 2)

        assert list(session.scalars(query)) == ["busy"]


def test_rounded_money_shows_its_currency_s_decimals(database: Database) -> None:
    """Money comes back with as many decimals as its currency shows, though the store keeps millionths."""
    yen = derived(settings("jpy"), charges=[charge(917, currency="jpy")])
    with database.workspace(HERE) as session:
        news = {EndUserId("yen"): StoredFacts(facts=yen, reporting_currency="jpy")}
        fact_repository.store_many(HERE, session, news, NOW)
        found = fact_repository.read(HERE, session, EndUserId("yen"))

    assert found is not None
    assert str(found.get("ltv")) == "917"
    assert found.get("ltv") == Decimal(917)


# helpers


def _typed(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


def _in_python(stored: Facts, moment: datetime) -> dict[str, FactValue | None]:
    facts = at(stored, moment)
    return {spec.name: facts.get(spec.name) for spec in STRIPE_FACTS}
