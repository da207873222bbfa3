"""What conditions become in SQL: bound values, columns that stand alone, and what is left to the interpreter."""

from datetime import UTC

import pytest
from sqlalchemy import Dialect
from sqlalchemy.dialects import postgresql, sqlite

from rules.people import check_people_condition
from rules.sql import SqlCondition, compile_condition
from rules.sql.patterns import Piece, pieces
from rules.sql.values import Inexpressible
from tests.unit.rules.facts import NOW
from web.facts import CATALOG
from web.people import fact_columns

_DIALECTS: dict[str, Dialect] = {"postgresql": postgresql.dialect(), "sqlite": sqlite.dialect()}  # type: ignore[no-untyped-call]  # SQLAlchemy leaves these two unannotated


@pytest.mark.parametrize("dialect", ["postgresql", "sqlite"])
@pytest.mark.parametrize(
    "text",
    [
        "mrr > 1000",
        "mrr > 0.00000000001",
        "mrr > 123456789012345678901234567890",
        "mrr * 12 > arr + 1",
        'status == "past_due" and plan =~ "^Enterprise"',
        'plan in ["Pro", "Scale"] or plan == null',
        "days_overdue > 30",
        "$now - customer_since > t'P30D'",
        'trial_ends_at - $now < t"P3D" and ($now - trial_ends_at).days < 4',
        'customer_since + t"P30D" < $now',
        "customer_since.year == 2024",
        '"charged" in recent_events',
        "(mrr ?? ltv) > 5",
        "(on_trial ? trial_days_left : days_overdue) >= 3",
        'attributes["tier"] == "gold"',
        '(attributes["seats"] ?? quantity) > 3',
        '"tier" in attributes',
        'email.ends_with("@example.com") and "x" in email',
        'plan =~~ "(refund|chargeback)s?$" or plan !~ "Pro$"'.replace("s?", ""),
        "1 / 0 > 1 or mrr > 5",
        '("a" + "b").length == 2 and mrr > 5',
    ],
)
def test_sql_says_it_alone(text: str, dialect: str) -> None:
    """These conditions are exact in SQL on both databases."""
    assert _compiled(text, dialect).is_exact


@pytest.mark.parametrize(
    "text",
    [
        "mrr / 12 > 5",
        "quantity % 2 == 0",
        "mrr * ltv > 5",
        "plan.as_lower == 'pro'",
        'plan =~ "(?i)pro"',
        r'plan =~ "\\w+"',
        "$sum([mrr, ltv]) > 5",
        "mrr.to_str == '5'",
        "plan.to_int > 5",
        'attributes["a"] == attributes["b"]',
        "period_end - period_start > t'P31D'",
        "$split(plan)[0] == 'Pro'",
        "plan[0] == 'P'",
    ],
)
def test_the_interpreter_judges_the_rest(text: str) -> None:
    """What SQL can't say exactly says why, and every row it leaves is judged."""
    condition = _compiled(text, "postgresql")

    assert condition.residual
    assert condition.recheck is not None


def test_the_rest_is_narrowed_down_by_what_sql_can_say() -> None:
    """Conjuncts that SQL knows are asked of it; of a disjunction all parts are needed."""
    narrowed = _text(_compiled("mrr > 5 and plan.as_lower == 'pro' and not (delinquent or quantity % 2 == 0)"))
    wide = _text(_compiled("mrr > 5 or plan.as_lower == 'pro'"))

    assert "mrr" in narrowed
    assert "delinquent" in narrowed
    assert "mrr" not in wide


@pytest.mark.parametrize("word", ["'; DROP TABLE end_user_facts; --", "%", "\\\\", "' OR 1=1", ":x", "%(x)s", "?"])
@pytest.mark.parametrize(
    "text", ["plan == {}", "plan.starts_with({})", "{} in plan", "attributes[{}] == {}", "plan in [{}]"]
)
def test_everything_is_bound(word: str, text: str) -> None:
    """No text of a condition becomes part of the SQL, on either database."""
    for dialect in _DIALECTS:
        marked = f"hidden {word}"
        assert "hidden" not in _text(_compiled(text.format(*[f'"{marked}"'] * 2), dialect), dialect)


def test_clock_facts_compare_the_stored_instant() -> None:
    """`days_overdue > 30` asks the column, so that nothing is calculated row by row."""
    assert (
        _text(_compiled("days_overdue > 30")).strip()
        == "end_user_facts.overdue_since <= %(param_1)s::TIMESTAMP WITH TIME ZONE"
    )


def test_nested_choices_do_not_explode() -> None:
    """An expression that would name its parts a million times is left to the interpreter."""
    text = "mrr"
    for _ in range(40):
        text = f"({text} ?? ltv)"

    assert _compiled(f"{text} > 5").residual == "an expression of this size"


@pytest.mark.parametrize(
    ("pattern", "anchored", "found"),
    [
        ("^Ent", False, {Piece("Ent", at_start=True)}),
        ("Ent", True, {Piece("Ent", at_start=True)}),
        (r"\.edu$", False, {Piece(".edu", end="line")}),
        (r"a\Z", False, {Piece("a", end="end")}),
        ("(refund|chargeback)", False, {Piece("refund"), Piece("chargeback")}),
        ("^(Scale|Starter)$", False, {Piece("Scale", True, "line"), Piece("Starter", True, "line")}),
        ("gr[ae]y", False, {Piece("gray"), Piece("grey")}),
        ("", False, {Piece("")}),
    ],
)
def test_patterns_that_are_texts(pattern: str, anchored: bool, found: set[Piece]) -> None:  # noqa: FBT001  # a table
    """A pattern that means a few texts is taken apart."""
    assert set(pieces(pattern, anchored=anchored)) == found


@pytest.mark.parametrize("pattern", ["a.b", "a*", "(?i)a", "[^a]", "a^", r"\bx", "[ab][cd][ef][gh][ij][kl]", r"\d"])
def test_other_patterns_stay_with_re2(pattern: str) -> None:
    """Everything that is more than a few texts is refused."""
    with pytest.raises(Inexpressible):
        pieces(pattern, anchored=False)


def test_conversation_facts_are_refused() -> None:
    """A condition about people can't speak of a conversation."""
    checked = check_people_condition("mrr > 5 and hour > 3 and tags.length > 1", CATALOG, UTC)

    assert checked.tree is None
    assert [finding.code for finding in checked.findings] == ["conversation_fact", "conversation_fact"]


# helpers


def _compiled(text: str, dialect: str = "postgresql") -> SqlCondition:
    checked = check_people_condition(text, CATALOG, UTC)
    assert checked.tree is not None, checked.findings
    return compile_condition(checked.tree, fact_columns(NOW), dialect, NOW, UTC)


def _text(condition: SqlCondition, dialect: str = "postgresql") -> str:
    return str(condition.where.compile(dialect=_DIALECTS[dialect]))
