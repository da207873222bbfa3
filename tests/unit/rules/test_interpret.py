"""The interpreter: three-valued logic, exact numbers, errors, and which facts are named for an unknown."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.facts import Facts
from tests.unit.rules.facts import CUSTOMER, NOW, evaluate, facts

Truth = bool | None
T, F, U = True, False, None

LITERALS = {T: "1 == 1", F: "1 == 2", U: "1 / 0 == 1"}


@pytest.mark.parametrize(
    ("left", "right", "both", "either"),
    [
        (T, T, T, T), (T, F, F, T), (T, U, U, T), (F, T, F, T), (F, F, F, F), (F, U, F, U), (U, T, U, T), (U, F, F, U),
        (U, U, U, U),
    ],
)  # fmt: skip
def test_and_and_or_follow_kleene(left: Truth, right: Truth, both: Truth, either: Truth) -> None:
    """What decides the result decides it from either side."""
    a, b = LITERALS[left], LITERALS[right]

    assert evaluate(f"{a} and {b}").result is both
    assert evaluate(f"{a} or {b}").result is either


@pytest.mark.parametrize(("operand", "result"), [(T, F), (F, T), (U, U)])
def test_not_follows_kleene(operand: Truth, result: Truth) -> None:
    """The opposite of unknown is unknown."""
    assert evaluate(f"not {LITERALS[operand]}").result is result


@pytest.mark.parametrize(
    ("text", "result"),
    [
        # numbers are exact decimals of 28 digits
        ("0.1 + 0.2 == 0.3", T),
        ("1 / 3 * 3 == 1", F),
        ("-7.5 // 1 == -7", T),  # towards zero
        ("-7 % 3 == -1", T),  # the sign of the dividend
        ("-2 + 5 * 2 == 8", T),
        ("mrr == 1200.5", T),
        ("mrr * 12 > 14406", F),
        ("quantity / 2 == 1.5", T),
        ("(mrr).floor == 1200 and mrr.ceiling == 1201", T),
        ("0xff == 255 and 1e3 == 1000", T),
        # texts are compared by code point
        ('plan == "Enterprise Plus"', T),
        ('plan == "enterprise plus"', F),
        ('plan.as_lower == "enterprise plus"', T),
        ('"Plus" in plan', T),
        ('"" in plan', T),
        ('plan.starts_with("Ent") and plan.ends_with("Plus") and plan.ends_with("")', T),
        ("plan.length == 15", T),
        ('plan[0] == "E" and plan[-1] == "s" and plan[0:3] == "Ent" and plan[11:] == "Plus"', T),
        ('"a" + "b" == "ab"', T),
        ('"12".to_int == 12 and "1.50".to_flt == 1.5 and $parse_float("-3") == -3', T),
        ('(5).to_str == "5"', T),
        # lists
        ('"vip" in tags and not "x" in tags and "x" not in tags', T),
        ('tags == ["vip", "beta"]', T),
        ('tags[0] == "vip" and tags[1:] == ["beta"] and tags[5:].is_empty', T),
        ('tags.length == 2 and tags.starts_with(["vip"])', T),
        ("$max([mrr, ltv]) == 5000 and $min([1, 2]) == 1 and $sum([1, 2, quantity]) == 6", T),
        (
            '$split("a b  c") == ["a", "b", "c"] and $split("a,b", ",")[1] == "b" and $split("a,b", ",", 0) == ["a,b"]',
            T,
        ),
        ("$abs(-5) == 5", T),
        ("quantity in {1, 2, 3} and {1, 1}.length == 1", T),
        # patterns
        ('plan =~ "Enter" and not plan =~ "Plus" and plan =~~ "Plus" and plan !~ "Plus" and plan !~~ "x"', T),
        ('body =~~ "two$"', T),  # before a final newline
        ('subject =~~ "(?i)größe \\\\d+"', T),
        ('subject =~~ r"\\bRefund\\b"', T),
        # dates
        ('customer_since < d"2024-03-01" and customer_since >= d"2024-02-29T23:30:00Z"', T),
        ("customer_since.year == 2024 and customer_since.month == 2 and customer_since.day == 29", T),
        ("customer_since.hour == 23 and customer_since.minute == 30 and customer_since.second == 0", T),
        ('($now - customer_since) > t"P600D" and ($now - customer_since).days == 994', T),
        ('$now == d"2026-11-20T12:00:00Z" and $today == d"2026-11-20" and $now == $now', T),
        ('customer_since + t"PT30M" == d"2024-03-01" and t"P1D".total_seconds == 86400 and -t"P1D" < t"PT0S"', T),
        ('$parse_datetime("2024-01-01T00:00:00+02:00") == d"2023-12-31T22:00:00"', T),
        # choices and mappings
        ("(delinquent ? 1 : 2) == 1 and (on_trial ? 1 : 2) == 2", T),
        ('(last_plan ?? plan) == "Enterprise Plus"', T),
        ('{"gold": 3, "silver": 2}["gold"] == 3', T),
    ],
)
def test_known_values(text: str, result: Truth) -> None:
    """Operators, functions and attributes over known facts."""
    assert evaluate(text, CUSTOMER).result is result


@pytest.mark.parametrize(
    ("text", "result"),
    [
        # comparison, arithmetic, pattern, attribute, item, function over an unknown value: unknown
        ("balance > 5", U), ("balance != 5", U), ("balance == balance", U), ("balance + 1 > 0", U),
        ('last_plan =~ "x"', U), ('last_plan !~ "x"', U), ("last_plan.length > 1", U), ("last_plan.is_empty", U),
        ('"x" in last_plan', U), ("$abs(balance) > 1", U), ("$max([1, balance]) > 0", U), ("-balance < 0", U),
        ('recent_events[0] == "charged"', U), ('not last_plan == "x"', U), ('last_plan.starts_with("")', U),
        # null asks whether a value is known, and is never unknown
        ("balance == null", T), ("balance != null", F), ("null == mrr", F), ("mrr != null", T), ("1 / 0 == null", T),
        ("null == null", T), ('attributes["none"] == null', T), ('attributes["tier"] != null', T),
        # ?? and ?:
        ("(balance ?? 0) == 0", T), ("(mrr ?? 0) > 5", T), ("(balance ?? arr) == 0", U),
        ("balance > 0 ? true : true", U), ("delinquent ? true : balance > 0", T),
        ("delinquent ? balance > 0 : true", U),
        # in: a known equal element decides, else anything unknown makes it unknown
        ("quantity in [3, balance]", T), ("quantity in [4, balance]", U), ("balance in [1, 2]", U),
        ("balance in []", U),
        ("quantity not in [4, 5]", T), ("quantity in []", F), ('"tier" in attributes', T), ('"none" in attributes', F),
        # a missing key is unknown
        ('attributes["nope"] == 1', U), ('{"a": 1}[plan] == 1', U), ('attributes["tier"]["x"] == 1', U),
        # JSON keeps its types
        ('attributes["seats"] == 12 and attributes["score"] == 1.5 and attributes["vip"] == true', T),
        ('attributes["seats"] == "12"', F), ('attributes["seats"] != "12"', T), ('attributes["seats"] > 5', T),
        ('attributes["tier"] > 5', U), ('attributes["seats"] =~ "1"', U), ('attributes["seats"] and true', U),
        ('attributes["vip"]', T), ('attributes["tier"]', U), ('attributes["vip"] and mrr > 1', T),
        ('1 in attributes["list"] and "a" in attributes["list"]', T), ('2 in attributes["list"]', U),
        ('attributes["list"][0] == 1 and attributes["list"].length == 3', T), ('attributes["vip"] == 1', F),
    ],
)  # fmt: skip
def test_unknown_values(text: str, result: Truth) -> None:
    """What hangs on a fact without value is unknown, and only that."""
    assert evaluate(text, CUSTOMER).result is result


@pytest.mark.parametrize(
    ("text", "unknown"),
    [
        ("balance > 5", ["balance"]),
        ("stripe_balance > 5", ["balance"]),  # under its own name
        ('stripe_id == "x"', ["customer_id"]),
        ("arr > 5 and balance > 1 and arr < 9", ["arr", "balance"]),  # once each, in order of appearance
        ("mrr > 5 and balance > 1", ["balance"]),
        ("(arr > 5 and false) or balance > 1", ["balance"]),  # a part that is false hangs on nothing
        ("(arr == null and mrr > 1) and balance > 1", ["balance"]),  # asking is not needing
        ("(arr ?? 1) + balance > 2", ["balance"]),
        ("(arr ?? balance) > 2", ["arr", "balance"]),
        ("balance in [1, arr]", ["balance", "arr"]),
        ("balance > 0 ? mrr > 1 : arr > 1", ["balance", "arr"]),
        ('attributes["x"] == 1 and attributes["tier"] == "gold"', ['attributes["x"]']),
        ('attributes["x"]["y"] == 1', ['attributes["x"]']),
        ("attributes[plan] == 1", ['attributes["Enterprise Plus"]']),
        ("attributes[last_plan] == 1", ["last_plan"]),
        ('tags[7] == "x"', []),
    ],
)
def test_the_facts_that_leave_a_condition_unknown_are_named(text: str, unknown: list[str]) -> None:
    """Facts without value under the parts that are themselves unknown."""
    verdict = evaluate(text, CUSTOMER)

    assert verdict.result is None
    assert list(verdict.unknown) == unknown


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("1 / 0 > 1", ["division_by_zero"]),
        ("1 % 0 == 1 or 1 // 0 == 1", ["division_by_zero", "division_by_zero"]),
        ('tags[2] == "x"', ["index_out_of_range"]),
        ('plan[99] == "x"', ["index_out_of_range"]),
        ('tags[0.5] == "x"', ["wrong_type"]),
        ("plan.to_flt > 1", ["not_a_number"]),
        ("plan.to_int > 1", ["not_a_number"]),
        ('"1.5".to_int > 1', ["not_a_whole_number"]),
        ("$parse_float(plan) > 1", ["not_a_number"]),
        ("$parse_datetime(plan) > $now", ["not_a_datetime"]),
        ("inf > 1", ["not_finite"]),
        ("nan != nan", ["not_finite"]),
        ('$split(plan, "") == tags', ["empty_separator"]),
        ("$max([]) > 1", ["empty_list"]),
        ('attributes["tier"] > 5', ["wrong_type"]),
        ('customer_since + t"P3650000D" > $now', ["out_of_range"]),
        ("balance > 1 and 1 / 0 > 1", ["division_by_zero"]),
        ("mrr > 1 or 1 / 0 > 1", []),  # true without it
        ("delinquent ? balance > 1 : 1 / 0 > 1", []),  # a branch that was not taken
    ],
)
def test_errors_are_named_where_the_condition_ends_unknown_through_them(text: str, codes: list[str]) -> None:
    """An error makes its part unknown; it is told if the whole hangs on it."""
    assert [error.code for error in evaluate(text, CUSTOMER).errors] == codes


def test_text_facts_are_cut() -> None:
    """Conditions see 4,096 characters of a text fact."""
    long = facts(body="x" * 5000, tags=("y" * 5000,))

    assert evaluate("body.length == 4096 and tags[0].length == 4096", long).result is True


def test_the_zone_is_that_of_literals_today_and_parts_of_dates() -> None:
    """A literal without offset is meant in the ruleset's zone; facts stay UTC."""
    given = facts(customer_since=datetime(2026, 6, 30, 23, 30, tzinfo=UTC))

    assert evaluate('customer_since == d"2026-07-01T01:30:00"', given, zone="Europe/Berlin").result is True
    assert (
        evaluate("customer_since.month == 7 and customer_since.hour == 1", given, zone="Europe/Berlin").result is True
    )
    assert evaluate('$today == d"2026-11-20" and $today.hour == 0', given, zone="Asia/Tokyo").result is True
    assert evaluate('$today == d"2026-11-19T15:00:00Z"', given, zone="Asia/Tokyo").result is True


def test_text_in_the_brackets_of_a_list_names_nothing() -> None:
    """A list has no keys: the index is of the wrong type, and no fact is missing."""
    verdict = evaluate('tags[attributes["tier"]] == "x"', CUSTOMER)

    assert (verdict.result, list(verdict.unknown)) == (None, [])
    assert [error.code for error in verdict.errors] == ["wrong_type"]


def test_parts_of_dates_at_the_end_of_the_calendar() -> None:
    """Where a zone's calendar ends the parts are those of UTC, and nothing fails."""
    given = facts(customer_since=datetime(9999, 12, 31, 23, 59, tzinfo=UTC))

    assert evaluate("customer_since.hour == 23", given, zone="Asia/Kathmandu").result is True


@pytest.mark.parametrize("number", ["1e999999", "-1e999999", "1e-999999", "9" * 4000])
def test_enormous_facts_do_no_harm(number: str) -> None:
    """Numbers of any size are compared, rounded and used as an index without being written out."""
    given = facts(mrr=Decimal(number), tags=("a",))
    for text in (
        "mrr.floor > 1",
        "mrr * mrr > 1",
        'tags[mrr] == "a"',
        "tags[mrr:] == tags",
        "mrr.to_int > 1",
        'mrr.to_str == ""',
    ):
        evaluate(text, given)


_TREES = st.recursive(
    st.sampled_from(
        ["mrr > 5", "arr > 5", 'status == "active"', 'plan =~ "a"', "1/0 > 1", "balance == null", '"x" in tags']
    ),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
        inner.map(lambda t: f"(not {t})"),
    ),
    max_leaves=6,
)
_KNOWN = st.fixed_dictionaries(
    {},
    optional={
        "mrr": st.integers(0, 10).map(Decimal),
        "arr": st.integers(0, 10).map(Decimal),
        "status": st.sampled_from(["active", "unpaid"]),
        "plan": st.sampled_from(["a", "b"]),
        "balance": st.integers(-1, 1).map(Decimal),
        "tags": st.sampled_from([(), ("x",)]),
    },
)


@given(_TREES, _TREES, _KNOWN)
def test_order_never_matters_to_the_result(
    one: str, other: str, known: dict[str, Decimal | str | tuple[str, ...]]
) -> None:
    """`and` and `or` are commutative in result, whatever is unknown or erring."""
    given_ = Facts(as_of=NOW, values=dict(known))
    for word in ("and", "or"):
        assert evaluate(f"{one} {word} {other}", given_).result is evaluate(f"{other} {word} {one}", given_).result


@given(_TREES, _KNOWN, st.sampled_from(["mrr", "arr", "status", "plan", "tags"]))
def test_learning_a_fact_never_turns_a_decided_condition(
    text: str, known: dict[str, Decimal | str | tuple[str, ...]], learned: str
) -> None:
    """Without null tests of that fact, true and false stay when an unknown fact becomes known."""
    more: dict[str, Decimal | str | tuple[str, ...]] = {
        "mrr": Decimal(7), "arr": Decimal(1), "status": "active", "plan": "b", "tags": ("x",), **known,
    }  # fmt: skip
    less = {name: value for name, value in more.items() if name != learned}
    before = evaluate(text, Facts(as_of=NOW, values=dict(less))).result

    assert before is None or evaluate(text, Facts(as_of=NOW, values=dict(more))).result is before


@given(_TREES, _KNOWN)
def test_an_unknown_condition_says_why(text: str, known: dict[str, Decimal | str | tuple[str, ...]]) -> None:
    """Every unknown result names a fact or an error, and a decided one names none."""
    verdict = evaluate(text, Facts(as_of=NOW, values=dict(known)))

    assert bool(verdict.unknown or verdict.errors) is (verdict.result is None)
    assert not set(verdict.unknown) & set(known)
