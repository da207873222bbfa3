"""The nearest change: what is said, that it is so, and that nothing smaller would do."""

from collections.abc import Sequence
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings

from engine.core.facts import Facts, FactValue, Reason
from rules.interpret import Evaluation
from rules.nearest import Nearest, nearest_change
from rules.tree import Node
from rules.values import Unknown
from tests.unit.rules import fact_generator, generator
from tests.unit.rules.choices import Choices, SeededChoices, drawn, pick
from tests.unit.rules.facts import CUSTOMER, NOW, check
from tests.unit.rules.small_rulesets import LEAVES, VALUES

ZONE = ZoneInfo("UTC")
# Each cuts the line of its fact only where a leaf of the small rulesets does, so that the small domain has all cases.
CALCULATED = (
    "mrr * 12 > 1200", "mrr * -2 >= -200", "mrr * 3 < 150", "mrr * 3 >= 149.99", "100 - mrr > 0", "mrr / 4 <= 25",
    "-mrr < -100", "mrr * 2 == 200", "mrr * 7 == 100", "2 * (mrr + 10) - 5 != 215", "(mrr ?? 10) * 2 < 100",
    "hour - 12 >= 0", "hour * 2 < 24", "24 - hour > 12",
)  # fmt: skip
READ = (
    "plan.length > 3", "plan.length == 3", "plan.length < 5", "plan.length * 2 > 7", 'plan.as_lower == "pro"',
    'plan.as_upper != "TEAM"', '"o" in plan.as_lower', 'plan.as_lower.ends_with("am")', 'plan.as_upper =~ "PR"',
    'plan.as_lower in ["zed", "piano"]', 'plan.as_lower == "Pro"',
)  # fmt: skip


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        ("mrr > 2000", "if mrr were above 2,000 USD; it is 1,200.50 USD"),
        ("mrr < 1000.00", "if mrr were below 1,000.00 USD; it is 1,200.50 USD"),
        ("mrr > ltv", "if ltv were below 1,200.50 USD; it is 5,000 USD"),
        ("mrr >= 2000 and mrr < 3000", "if mrr were at least 2,000 USD and below 3,000 USD; it is 1,200.50 USD"),
        ("mrr == 1300", "if mrr were 1,300 USD; it is 1,200.50 USD"),
        ("mrr > 9000 or ltv > 5001", "if ltv were above 5,001 USD; it is 5,000 USD"),
        ("quantity > 5", "if quantity were above 5; it is 3"),
        ('status == "active"', "if status were “active”; it is “past_due”"),
        ('status in ["active", "trialing"]', "if status were “active” or “trialing”; it is “past_due”"),
        ('status != "past_due"', None),
        ('plan != "Enterprise Plus"', "if plan were something other than “Enterprise Plus”; it is “Enterprise Plus”"),
        ('plan =~ "Pro"', "if plan began with “Pro”; it is “Enterprise Plus”"),
        ("not delinquent", "if delinquent were false; it is true"),
        ('"invoice" in subject', "if subject contained “invoice”"),
        ('not ("Refund" in subject)', "if subject did not contain “Refund”"),
        ('"gold" in tags', "if tags held “gold”"),
        ('not ("vip" in tags)', "if tags did not hold “vip”"),
        ('attributes["tier"] == "silver"', 'if attributes["tier"] were “silver”; it is “gold”'),
        ('attributes["seats"] > 20', 'if attributes["seats"] were above 20; it is 12'),
        (
            'customer_since > d"2025-01-01"',
            "if customer_since were after 2025-01-01 00:00 UTC; it is 2024-02-29 23:30 UTC",
        ),
        ("(balance ?? 0) > 5", "if balance were above 5 USD; it is unknown (no exchange rate)"),
        ("mrr == null", "if mrr had no value; it is 1,200.50 USD"),
        ("on_trial ? mrr > 5 : mrr > 3000", "if on_trial were true; it is false"),
        (
            'mrr > 2000 and status == "active"',
            "if mrr were above 2,000 USD (it is 1,200.50 USD) and status were “active” (it is “past_due”)",
        ),
        ("mrr > 1000 and mrr < 900", None),
        ("days_overdue < 0", None),
        ("mrr * 2 > 9000", "if mrr were above 4,500 USD; it is 1,200.50 USD"),
        ("mrr * 12 / 2 + 100 >= 12100", "if mrr were at least 2,000 USD; it is 1,200.50 USD"),
        ("mrr * 3 > 10000", "if mrr were at least 3,333.34 USD; it is 1,200.50 USD"),
        ("mrr * 3 <= 149.99", "if mrr were at most 49.99 USD; it is 1,200.50 USD"),  # not 49.9966…
        ("quantity * 3 > 10", "if quantity were at least 4; it is 3"),
        ("-mrr > -1000", "if mrr were below 1,000 USD; it is 1,200.50 USD"),
        ("10000 - mrr * 2 < 0", "if mrr were above 5,000 USD; it is 1,200.50 USD"),
        ("mrr * 12 == 24000", "if mrr were 2,000 USD; it is 1,200.50 USD"),
        ("mrr * 3 == 10000", None),
        ("mrr * quantity > 9000", "if mrr were above 3,000 USD; it is 1,200.50 USD"),
        ('attributes["seats"] * 2 > 50', 'if attributes["seats"] were above 25; it is 12'),
        (
            '$now - customer_since < t"P30D"',
            "if customer_since were after 2026-10-21 12:00 UTC; it is 2024-02-29 23:30 UTC",
        ),
        (
            "($now - customer_since).days <= 30",
            "if customer_since were after 2026-10-20 12:00 UTC; it is 2024-02-29 23:30 UTC",
        ),
        ("subject.length > 100", "if subject.length were above 100; it is 23"),
        ("subject.length < 10 and subject.length > 3", "if subject.length were above 3 and below 10; it is 23"),
        (
            'plan =~ "Pr" and plan.ends_with("o")',
            "if plan began with “Pr” and ended with “o”; it is “Enterprise Plus”",
        ),
        ('plan.as_lower == "gold"', "if plan.as_lower were “gold”; it is “enterprise plus”"),
        ('plan.as_lower == "Gold"', None),
        ('"gold" in plan.as_upper', None),
        ('"GOLD" in plan.as_upper', "if plan.as_upper contained “GOLD”"),
        ('plan.as_lower.starts_with("pro")', "if plan.as_lower began with “pro”; it is “enterprise plus”"),
        ("tags.length > 3", "if tags.length were above 3; it is 2"),
        ("quantity > 4 and quantity < 5", None),
        ("mrr > 1000", None),
        ("last_payment_amount > 5", None),
    ],
)  # fmt: skip
def test_what_is_said(condition: str, said: str | None) -> None:
    """Thresholds, texts, dates, lists and attributes are worded; what can't be said truly is not said."""
    nearest = nearest_change(_tree(condition), _facts(CUSTOMER), now=NOW, zone=ZONE, currency="usd")

    if condition.startswith("status !="):
        assert nearest is not None
    else:
        assert (None if nearest is None else nearest.text) == (None if said is None else f"would match {said}")


def test_a_long_condition_costs_little() -> None:
    """The largest conditions there may be are looked through quickly."""
    parts = " and ".join(f"(mrr > {n} or quantity > {n} or ltv < {n - 5000})" for n in range(6000, 6016))

    assert nearest_change(_tree(parts), _facts(CUSTOMER), now=NOW, zone=ZONE) is not None


@pytest.mark.parametrize("seed", range(6))
def test_generated_changes_make_conditions_true(seed: int) -> None:
    """Whatever the condition, applying what is said makes it true."""
    for number in range(40):
        chance = SeededChoices(seed * 1000 + number)
        tree = check(generator.condition(chance)).tree
        facts = fact_generator.facts(chance)
        if tree is not None:
            nearest = nearest_change(tree, facts, now=NOW, zone=ZONE)
            assert nearest is None or _truth(tree, _applied(facts, nearest)) is True


@pytest.mark.parametrize("seed", range(4))
def test_no_smaller_change_does(seed: int) -> None:
    """On small domains no fewer facts, and no nearer value of the same fact, make the condition true."""
    for number in range(40):
        assert_nearest(*a_case(SeededChoices(seed * 10_000 + number)))


@settings(max_examples=40, deadline=None)
@given(drawn(lambda choices: a_case(choices)))  # noqa: PLW0108  # defined below
def test_no_smaller_change_does_for_whatever_is_drawn(case: tuple[str, dict[str, FactValue]]) -> None:
    """The same for cases that can be shrunk."""
    assert_nearest(*case)


@pytest.mark.parametrize("seed", range(4))
def test_no_smaller_change_does_where_arithmetic_is_in_the_way(seed: int) -> None:
    """The same where facts are added to, multiplied, subtracted and divided before they are compared."""
    for number in range(40):
        assert_nearest(*a_case(SeededChoices(seed * 10_000 + number), (*LEAVES[:12], *CALCULATED)))


@pytest.mark.parametrize("seed", range(6))
def test_changes_of_what_is_read_of_a_text_hold(seed: int) -> None:
    """Lengths and spellings, alone and beside other questions to the same text: what is said is so."""
    said = 0
    for number in range(60):
        text, values = a_case(SeededChoices(seed * 10_000 + number), (*LEAVES[5:16], *READ, *READ))
        tree, facts = _tree(text), _facts(values)
        nearest = nearest_change(tree, facts, now=NOW, zone=ZONE)
        assert nearest is None or _truth(tree, _applied(facts, nearest)) is True, (text, values)
        said += nearest is not None and any("." in change.about for change in nearest.changes)

    assert said > 3


def assert_nearest(text: str, values: dict[str, FactValue]) -> None:
    """Compare the nearest change with all changes of one fact; shared with the long proof."""
    tree, facts = _tree(text), _facts(values)
    if _truth(tree, facts) is not False:
        assert nearest_change(tree, facts, now=NOW, zone=ZONE) is None
        return
    nearest = nearest_change(tree, facts, now=NOW, zone=ZONE)
    assert nearest is None or _truth(tree, _applied(facts, nearest)) is True, (text, values)
    working = [
        (name, value) for name, value in _single_changes(facts) if _truth(tree, _with(facts, name, value)) is True
    ]
    if not working:
        assert nearest is None or len(nearest.changes) > 1, (text, values, nearest)
        return
    assert nearest is not None, (text, values, working)
    assert len(nearest.changes) == 1, (text, values, working)
    (change,) = nearest.changes
    now = facts.get(change.fact)
    if isinstance(now, Decimal):
        for name, value in working:
            if name == change.fact and isinstance(value, Decimal):
                far = abs(value - now) / max(Decimal(1), abs(now))
                assert change.distance <= float(far) + 1e-9, (text, values, change, value)


def a_case(choices: Choices, leaves: Sequence[str] = LEAVES) -> tuple[str, dict[str, FactValue]]:
    parts = [f"({pick(choices, leaves)})" for _ in range(choices.number(1, 4))]
    shape = choices.number(0, 3)
    if shape == 3 and len(parts) == 4:
        text = f"({parts[0]} or {parts[1]}) and not ({parts[2]} and {parts[3]})"
    else:
        text = (" or " if shape == 2 else " and ").join(parts)
    values = {name: pick(choices, options) for name, options in VALUES.items()}
    return text, {name: value for name, value in values.items() if value is not None}


def _single_changes(facts: Facts) -> list[tuple[str, FactValue | None]]:
    allowed = {"mrr": lambda value: value >= 0, "hour": lambda value: 0 <= value <= 23}
    return [
        (name, value)
        for name, options in VALUES.items()
        for value in options
        if facts.get(name) != value and (value is None or name not in allowed or allowed[name](value))
    ]


def _with(facts: Facts, name: str, value: FactValue | None) -> Facts:
    values = dict(facts.values)
    values.pop(name, None)
    if value is not None:
        values[name] = value
    return Facts(as_of=NOW, values=values)


def _applied(facts: Facts, nearest: Nearest) -> Facts:
    for change in nearest.changes:
        name, bracket, key = change.fact.partition("[")
        value = change.value
        if bracket:
            kept = facts.get(name)
            assert isinstance(kept, dict)
            value = (
                {**kept, key[1:-2]: value} if value is not None else {k: v for k, v in kept.items() if k != key[1:-2]}
            )
        facts = _with(facts, name, value)
    return facts


def _facts(values: dict[str, FactValue] | object) -> Facts:
    assert hasattr(values, "items")
    return Facts(as_of=NOW, values=dict(values.items()), reasons={"balance": Reason.NO_RATE})


def _tree(text: str) -> Node:
    tree = check(text).tree
    assert tree is not None, text
    return tree


def _truth(tree: Node, facts: Facts) -> bool | None:
    found = Evaluation(facts, NOW, ZONE).truth(tree)
    return None if isinstance(found, Unknown) else found
