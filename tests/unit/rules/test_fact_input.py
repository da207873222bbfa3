"""Facts from outside: typed by the catalog, or refused with the fact named."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from engine.core.facts import FactValue
from rules.fact_input import FactInputError, parse_facts
from tests.unit.rules.facts import NOW
from web.facts import CATALOG


@pytest.mark.parametrize(
    ("line", "name", "value"),
    [
        ('{"mrr": "1200.50"}', "mrr", Decimal("1200.50")),  # decimals may be strings
        ('{"mrr": 0.1}', "mrr", Decimal("0.1")),  # and are exact when they are not
        ('{"mrr": 12345678901234567890.123}', "mrr", Decimal("12345678901234567890.123")),
        ('{"quantity": 2.5}', "quantity", Decimal("2.5")),  # also for counts
        ('{"stripe_mrr": 5}', "mrr", Decimal(5)),  # by any of its names
        ('{"stripe_id": "cus_1"}', "customer_id", "cus_1"),
        ('{"delinquent": false}', "delinquent", False),
        ('{"plan": ""}', "plan", ""),  # a known value
        ('{"tags": []}', "tags", ()),
        ('{"tags": ["a", "b"]}', "tags", ("a", "b")),
        ('{"customer_since": "2026-01-02T03:04:05"}', "customer_since", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)),
        (
            '{"customer_since": "2026-01-02T03:04:05+02:00"}',
            "customer_since",
            datetime(2026, 1, 2, 1, 4, 5, tzinfo=UTC),
        ),
        ('{"attributes": {"a": null, "b": [1]}}', "attributes", {"a": None, "b": [1]}),
        ('{"status": "something new"}', "status", "something new"),  # what Stripe says is not ours to refuse
    ],
)
def test_values_are_typed(line: str, name: str, value: FactValue) -> None:
    """Each fact arrives under its own name, with the type the catalog gives it."""
    facts = parse_facts(line, CATALOG, NOW).facts

    assert facts.values == {name: value}
    assert type(facts.values[name]) is type(value)


def test_null_is_the_same_as_missing() -> None:
    """A fact that is null has no value."""
    assert parse_facts('{"mrr": null, "conversation_id": null}', CATALOG, NOW).facts.values == {}


def test_the_conversation_is_no_fact() -> None:
    """`conversation_id` places a line in its canary bucket."""
    assert parse_facts('{"conversation_id": "c1"}', CATALOG, NOW).conversation_id == "c1"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("", "not JSON"),
        ("{", "not JSON"),
        ("[1]", "not a JSON object"),
        ("[" * 100_000, "not JSON"),
        ('{"mrr": NaN}', "not JSON"),
        ('{"mrrr": 1}', "`mrrr`: there is no such fact; did you mean `mrr`?"),
        ('{"mrr": "many"}', '`mrr`: needs a number, not "many"'),
        ('{"mrr": "Infinity"}', "`mrr`: needs a number"),
        ('{"mrr": true}', "`mrr`: needs a number, not true"),
        ('{"plan": 5}', "`plan`: needs text, not 5"),
        ('{"plan": "\\ud800"}', "`plan`: needs text"),
        ('{"delinquent": "yes"}', "`delinquent`: needs true or false"),
        ('{"delinquent": 1}', "`delinquent`: needs true or false, not 1"),
        ('{"tags": "vip"}', "`tags`: needs a list of texts"),
        ('{"tags": ["vip", null]}', "`tags`: needs a list of texts"),
        ('{"customer_since": "yesterday"}', "`customer_since`: needs a date and time"),
        ('{"customer_since": 1700000000}', "`customer_since`: needs a date and time"),
        ('{"attributes": []}', "`attributes`: needs an object"),
        ('{"conversation_id": 5}', "`conversation_id`: needs text"),
        ('{"mrr": 1, "stripe_mrr": 2}', "`stripe_mrr`: the fact `mrr` is given twice"),
    ],
)
def test_what_is_no_fact_is_refused_by_name(line: str, message: str) -> None:
    """The message names the fact, what it needs and what it got."""
    with pytest.raises(FactInputError) as raised:
        parse_facts(line, CATALOG, NOW)

    assert str(raised.value).startswith(message)
