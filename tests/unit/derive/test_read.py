"""The readers take whatever stands there, and give what was asked for or None."""

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from stripe_sync.derive.read import (
    at_path,
    by_id,
    elements,
    flag,
    instant,
    integer,
    living,
    lower,
    mapping,
    newest_first,
    number,
    objects,
    reference,
    text,
)


@pytest.mark.parametrize(
    ("reader", "found", "expected"),
    [
        (text, "abc", "abc"),
        (text, "", None),
        (text, 5, None),
        (text, None, None),
        (text, "Zoë", "Zoë"),
        (text, "a\x00b", "a\ufffdb"),  # no database keeps it
        (text, "Zo\x00ë", "Zo\ufffdë"),
        (text, "a\ud800b", "a?b"),
        (lower, "EUR", "eur"),
        (lower, "", None),
        (lower, 5, None),
        (integer, 5, 5),
        (integer, 0, 0),
        (integer, -5, -5),
        (integer, True, None),  # no number here
        (integer, "5", None),
        (integer, 5.0, 5),
        (integer, 5.5, None),
        (integer, Decimal("5.0"), 5),
        (integer, Decimal("5.5"), None),
        (integer, Decimal("NaN"), None),
        (integer, float("nan"), None),
        (integer, float("inf"), None),
        (integer, 2**63 - 1, 2**63 - 1),
        (integer, 2**63, None),
        (integer, -(2**63) + 1, -(2**63) + 1),
        (integer, -(2**63), None),
        (integer, 1e30, None),
        (number, 5, Fraction(5)),
        (number, "5.25", Fraction(21, 4)),
        (number, Decimal("33.3"), Fraction(333, 10)),
        (number, 33.3, Fraction(333, 10)),  # as it is written, not its binary neighbour
        (number, "1e-12", Fraction(1, 10**12)),
        (number, "", None),
        (number, "abc", None),
        (number, "NaN", None),
        (number, "Infinity", None),
        (number, False, None),
        (number, [], None),
        (number, 2**63 - 1, Fraction(2**63 - 1)),
        (number, 2**63, None),
        (number, -(2**63), None),
        (number, "1e40", Fraction(10**40)),
        (number, "1e41", None),
        (number, "1e-40", Fraction(1, 10**40)),
        (number, "1e-41", None),
        (number, "0." + "1" * 78, Fraction(int("1" * 78), 10**78)),
        (number, "0." + "1" * 79, None),
        (flag, True, True),
        (flag, 1, False),
        (flag, "true", False),
        (flag, None, False),
        (instant, 0, datetime(1970, 1, 1, tzinfo=UTC)),
        (instant, 86_401, datetime(1970, 1, 2, 0, 0, 1, tzinfo=UTC)),
        (instant, -1, None),
        (instant, 253_402_300_799, datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)),
        (instant, 253_402_300_800, None),
        (instant, "5", None),
        (reference, "id_a", "id_a"),
        (reference, {"id": "id_a", "name": "A"}, "id_a"),
        (reference, {"name": "A"}, None),
        (reference, 5, None),
        (mapping, {"a": 1}, {"a": 1}),
        (mapping, {}, {}),
        (mapping, "id_a", None),
        (mapping, [1], None),
        (elements, [1, "a"], (1, "a")),
        (elements, (1,), (1,)),
        (elements, {"object": "list", "data": [1]}, (1,)),
        (elements, {"data": None}, ()),
        (elements, "ab", ()),
        (elements, None, ()),
        (objects, [1, {"a": 1}, {"deleted": True}, {"deleted": False}], ({"a": 1}, {"deleted": False})),
    ],
)
def test_reads_what_stands_there(reader: Callable[..., Any], found: Any, expected: Any) -> None:
    """Each reader gives its kind of value, directly, at one key and at a longer path, or None."""
    direct, shallow, nested = reader(found), reader({"a": found}, "a"), reader({"a": {"b": found}}, "a", "b")

    assert (direct, type(direct)) == (expected, type(expected))
    assert (shallow, type(shallow)) == (expected, type(expected))
    assert (nested, type(nested)) == (expected, type(expected))


@pytest.mark.parametrize("value", [None, 5, "a", [], {}, {"a": None}, {"a": "id"}, {"a": [1]}, {"a": {"c": 1}}])
def test_path_that_leads_nowhere(value: Any) -> None:
    """Where a path ends early there is nothing, and nothing is raised."""
    assert at_path(value, "a", "b") is None


def test_objects_by_id_and_age() -> None:
    """The last object of an id counts, those without one are left out; the newest is the greatest, then by id."""
    assert by_id([{"id": "a", "n": 1}, {"id": "a", "n": 2}, {"n": 3}]) == {"a": {"id": "a", "n": 2}}
    assert newest_first({"created": 5, "id": "a"}) == (5, "a")
    assert newest_first({}) == (0, "")
    assert living([{"a": 1}, {"deleted": True}, 5, None]) == ({"a": 1},)
