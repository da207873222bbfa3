"""The two forms of facts that move with the clock, Python's and SQL's, over generated customers."""

from datetime import datetime, timedelta

from sqlalchemy import select

from engine.core.facts import format_instant
from engine.ids import EndUserId
from engine.storage import Database
from stripe_sync import fact_repository
from stripe_sync.catalog import STRIPE_FACTS
from stripe_sync.derive import at, combine, derive
from stripe_sync.fact_changes import StoredFacts
from stripe_sync.fact_sql import FACTS, sql_value
from stripe_sync.objects import bundle_from_json
from tests.integration.facts.world import HERE
from tests.unit.derive.agreement import case_of
from tests.unit.derive.build import NOW

CLOCKS = tuple(spec for spec in STRIPE_FACTS if spec.clock is not None)
MOMENTS = tuple(
    NOW + timedelta(days=days, seconds=seconds, microseconds=micro)
    for days, seconds, micro in (
        (0, 0, 0),
        (0, 1, 0),
        (0, 0, 1),
        (1, 0, 0),
        (2, -1, 999_999),
        (29, 0, 0),
        (41, 43_200, 5),
    )
)


def test_python_and_sql_agree_on_generated_customers(database: Database) -> None:
    """Forty customers, and pairs of them as one person, at seven instants: the same values, null where none is."""
    each = [derive(bundle_from_json(case.document), NOW, case.settings) for case in map(case_of, range(40))]
    pairs = [combine(pair, NOW) for pair in zip(each[::2], each[1::2], strict=True)]
    known = {EndUserId(f"eu_{number}"): facts for number, facts in enumerate([*each, *pairs])}
    with database.workspace(HERE) as session:
        news = {key: StoredFacts(facts=facts, reporting_currency="usd") for key, facts in known.items()}
        fact_repository.store_many(HERE, session, news, NOW)
        for moment in MOMENTS:
            columns = [sql_value(spec, moment).label(f"value_{spec.name}") for spec in CLOCKS]
            for row in session.execute(select(FACTS.c.end_user_id, *columns)):
                values = at(known[row.end_user_id], moment).values
                for spec in CLOCKS:
                    found = getattr(row, f"value_{spec.name}")
                    assert _plain(found) == _plain(values.get(spec.name)), (row.end_user_id, spec.name, moment)


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return format_instant(value)
    return tuple(value) if isinstance(value, list | tuple) else value
