"""The interpreter against the library itself: the same wherever the library returns a value and all facts are known.

Generated conditions cover every operator, type and nesting. What our checks refuse, and where the library raises or
returns a number that is none, there is nothing to compare; the share of compared pairs is asserted to stay high.
"""

import decimal
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal

import pytest
import rule_engine
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.facts import Facts, FactValue
from rules.interpret import Evaluation
from rules.tree import walk
from rules.values import Unknown
from tests.unit.rules.facts import NOW, check

_TYPES = {
    "mrr": rule_engine.DataType.FLOAT,
    "quantity": rule_engine.DataType.FLOAT,
    "days_overdue": rule_engine.DataType.FLOAT,
    "plan": rule_engine.DataType.STRING,
    "subject": rule_engine.DataType.STRING,
    "delinquent": rule_engine.DataType.BOOLEAN,
    "on_trial": rule_engine.DataType.BOOLEAN,
    "tags": rule_engine.DataType.ARRAY(rule_engine.DataType.STRING),
    "customer_since": rule_engine.DataType.DATETIME,
    "ended_at": rule_engine.DataType.DATETIME,
}
_CONTEXT = rule_engine.Context(
    resolver=rule_engine.resolve_item,
    type_resolver=rule_engine.type_resolver_from_dict(_TYPES),
    default_timezone="utc",
)


def _quoted(word: str) -> str:
    return '"' + word.replace("\\", "\\\\").replace("\n", "\\n") + '"'


_WORDS = ["", "a", "vip", "Ent", "Enterprise", "ß", "a b", "12", "-3", "1.5", "é\n"]
_numbers = st.one_of(
    st.sampled_from(["mrr", "quantity", "days_overdue"]),
    st.integers(0, 30).map(str),
    st.decimals(0, 1000, places=2, allow_nan=False).map(str),
    st.sampled_from(["1e3", "0x1F", "0b101", ".5", "123456789012345678901234567.89"]),
)
_texts = st.one_of(st.sampled_from(["plan", "subject"]), st.sampled_from(_WORDS).map(_quoted))
_lists = st.one_of(st.just("tags"), st.lists(_texts, max_size=3).map(lambda items: f"[{', '.join(items)}]"))
_number_lists = st.lists(_numbers, max_size=3).map(lambda items: f"[{', '.join(items)}]")
_instants = st.sampled_from(["customer_since", "ended_at", 'd"2024-02-29"', 'd"2026-11-20T12:00:00+02:00"'])
_durations = st.sampled_from(['t"P1D"', 't"PT36H"', 't"P2W"', "(customer_since - ended_at)"])
_patterns = st.sampled_from(["^E", "a", "vip$", "[a-z]+$", r"\d+", "(?i)ENT", "x|y", ".", "", r"\w \w", r"\s$", "[^a]"])


def _numeric(inner: st.SearchStrategy[str], texts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.tuples(inner, st.sampled_from(["+", "-", "*", "/", "//", "%"]), inner).map(
            lambda t: f"({t[0]} {t[1]} {t[2]})"
        ),
        inner.map(lambda x: f"(-{x})"),
        inner.map(lambda x: f"$abs({x})"),
        st.tuples(inner, st.sampled_from(["floor", "ceiling", "to_flt", "to_int"])).map(lambda t: f"({t[0]}).{t[1]}"),
        st.tuples(st.sampled_from(["max", "min", "sum"]), _number_lists).map(lambda t: f"${t[0]}({t[1]})"),
        texts.map(lambda x: f"{x}.length"),
        st.tuples(texts, st.sampled_from(["to_int", "to_flt"])).map(lambda t: f"{t[0]}.{t[1]}"),
        _lists.map(lambda x: f"{x}.length"),
        st.sampled_from(["year", "month", "day", "hour", "minute", "second"]).map(lambda x: f"customer_since.{x}"),
        st.tuples(_durations, st.sampled_from(["days", "total_seconds"])).map(lambda t: f"{t[0]}.{t[1]}"),
    )


def _textual(inner: st.SearchStrategy[str], numbers: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    index = st.integers(-4, 4).map(str)
    return st.one_of(
        st.tuples(inner, inner).map(lambda t: f"({t[0]} + {t[1]})"),
        st.tuples(inner, st.sampled_from(["as_lower", "as_upper", "to_str"])).map(lambda t: f"{t[0]}.{t[1]}"),
        st.tuples(inner, index).map(lambda t: f"{t[0]}[{t[1]}]"),
        st.tuples(inner, st.one_of(st.just(""), index), st.one_of(st.just(""), index)).map(
            lambda t: f"{t[0]}[{t[1]}:{t[2]}]"
        ),
        st.tuples(_lists, index).map(lambda t: f"{t[0]}[{t[1]}]"),
        numbers.map(lambda x: f"({x}).to_str"),
        st.tuples(inner, index).map(lambda t: f"$split({t[0]})[{t[1]}]"),
    )


_number = st.recursive(_numbers, lambda inner: _numeric(inner, _texts), max_leaves=4)
_text = st.recursive(_texts, lambda inner: _textual(inner, _numbers), max_leaves=3)
_order = st.sampled_from(["<", "<=", ">", ">="])
_equality = st.sampled_from(["==", "!="])
_is_in = st.sampled_from(["in", "not in"])
_spaced = " ".join
_predicates = st.one_of(
    st.tuples(_number, st.one_of(_order, _equality), _number).map(_spaced),
    st.tuples(_text, _equality, _text).map(_spaced),
    st.tuples(_instants, st.one_of(_order, _equality), _instants).map(_spaced),
    st.tuples(_instants, st.sampled_from(["+", "-"]), _durations, _order, _instants).map(_spaced),
    st.tuples(_durations, _order, _durations).map(_spaced),
    st.tuples(_text, st.sampled_from(["=~", "=~~", "!~", "!~~"]), _patterns.map(lambda p: f"r{_raw(p)}")).map(_spaced),
    st.tuples(_text, _is_in, st.one_of(_text, _lists)).map(_spaced),
    st.tuples(_number, _is_in, _number_lists).map(_spaced),
    st.tuples(_number, _is_in, st.lists(_numbers, min_size=1, max_size=3).map(lambda x: "{" + ", ".join(x) + "}")).map(
        _spaced
    ),
    st.tuples(_lists, _equality, _lists).map(_spaced),
    st.tuples(_text, st.sampled_from(["starts_with", "ends_with"]), _text).map(lambda t: f"{t[0]}.{t[1]}({t[2]})"),
    st.tuples(_lists, st.sampled_from(["starts_with", "ends_with"]), _lists).map(lambda t: f"{t[0]}.{t[1]}({t[2]})"),
    st.one_of(_text, _lists).map(lambda x: f"{x}.is_empty"),
    st.sampled_from(
        ["delinquent", "on_trial", "true", "false", "delinquent == on_trial", "mrr == null", "plan != null"]
    ),
)


def _raw(pattern: str) -> str:
    return '"' + pattern + '"'


_conditions = st.recursive(
    _predicates,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(lambda t: f"({t[0]}) {t[1]} ({t[2]})"),
        st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(_spaced),  # precedence does the rest
        inner.map(lambda x: f"not ({x})"),
        st.tuples(inner, inner, inner).map(lambda t: f"({t[0]}) ? ({t[1]}) : ({t[2]})"),
        st.tuples(inner, inner).map(lambda t: f"({t[0]}) ?? ({t[1]})"),
        st.tuples(inner, _equality, inner).map(lambda t: f"({t[0]}) {t[1]} ({t[2]})"),
    ),
    max_leaves=4,
)
_money = st.one_of(
    st.decimals(-10_000, 10_000, places=2, allow_nan=False), st.integers(-5, 40).map(Decimal), st.just(Decimal("0.1"))
)
_known: st.SearchStrategy[Mapping[str, FactValue]] = st.fixed_dictionaries(
    {
        "mrr": _money,
        "quantity": st.integers(0, 30),
        "days_overdue": _money,
        "plan": st.sampled_from(_WORDS),
        "subject": st.text("aEvip 12ß\n", max_size=8),
        "delinquent": st.booleans(),
        "on_trial": st.booleans(),
        "tags": st.lists(st.sampled_from(_WORDS), max_size=3).map(tuple),
        "customer_since": st.datetimes(datetime(2000, 1, 1), datetime(2030, 1, 1)).map(lambda d: d.replace(tzinfo=UTC)),  # noqa: DTZ001  # bounds are naive by hypothesis' law
        "ended_at": st.just(datetime(2024, 2, 29, tzinfo=UTC)),
    }
)

_NO_NUMBER = ("not_a_number", "not_finite")

_counts = {"compared": 0, "all": 0}


@settings(max_examples=200)
@given(_conditions, st.lists(_known, min_size=3, max_size=3))
def test_the_interpreter_agrees_with_the_library(text: str, customers: list[Mapping[str, FactValue]]) -> None:
    """Wherever the library returns a value and every fact is known, the result is the same."""
    _counts["all"] += len(customers)
    rule, tree = _rule(text), check(text).tree
    if rule is None or tree is None:
        return
    for known in customers:
        expected = _library(rule, known)
        evaluation = Evaluation(Facts(as_of=NOW, values=known), NOW, UTC)
        values = [evaluation.value(node) for node in walk(tree)]
        if expected is None or any(
            isinstance(value, Unknown) and value.error and value.error.code in _NO_NUMBER for value in values
        ):
            continue  # the library raised, or goes on with NaN and infinity, which the language calls unknown

        assert evaluation.truth(tree) is expected, text
        _counts["compared"] += 1


def test_most_pairs_are_comparable() -> None:
    """The generator writes conditions that both accept, or the comparison would prove nothing."""
    assert _counts["all"] == 0 or _counts["compared"] > _counts["all"] * 0.5


@pytest.mark.parametrize(
    "text", ['mrr == "5"', 'delinquent == "yes"', "5 in tags", 'quantity in [1, "a"]', "plan", "mrr and true"]
)
def test_what_the_library_lets_pass_is_refused(text: str) -> None:
    """Comparisons that can never be true, and conditions that are none, are errors here."""
    rule_engine.Rule(text, context=_CONTEXT)

    assert check(text).tree is None


_REFUSALS = (
    rule_engine.EngineError,
    decimal.DecimalException,
    TypeError,
    ValueError,
    OverflowError,
    SyntaxError,
)


def _rule(text: str) -> rule_engine.Rule | None:
    try:
        return rule_engine.Rule(text, context=_CONTEXT)
    except _REFUSALS:
        return None


def _library(rule: rule_engine.Rule, known: Mapping[str, FactValue]) -> bool | None:
    try:
        value = rule.evaluate(known)
    except _REFUSALS:
        return None
    return value if isinstance(value, bool) else None
