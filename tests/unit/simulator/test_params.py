"""Stripe's way of writing parameters."""

import pytest

from stripe_sync.simulator import params as p
from stripe_sync.simulator.answers import StripeError


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", {}),
        ("a=1&b=2", {"a": "1", "b": "2"}),
        ("a=", {"a": ""}),
        ("a=1&a=2", {"a": "2"}),  # the last one wins
        ("created[gte]=1&created[lt]=2", {"created": {"gte": "1", "lt": "2"}}),
        ("expand[]=a&expand[]=b.c", {"expand": ["a", "b.c"]}),
        ("expand[0]=a&expand[1]=b", {"expand": ["a", "b"]}),  # as the SDK writes lists
        ("email=a%2Bb%40c.example", {"email": "a+b@c.example"}),
        ("created%5Bgt%5D=5", {"created": {"gt": "5"}}),  # brackets percent-encoded
    ],
)
def test_parsing(text: str, expected: dict[str, object]) -> None:
    """Names in brackets nest, empty or numbered brackets make lists."""
    assert p.parse(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("created=5", (5, 6)),
        ("created[gt]=5", (6, None)),
        ("created[gte]=5&created[lte]=9", (5, 10)),
        ("created[lt]=9", (0, 9)),
        ("created[gt]=2&created[gte]=7", (7, None)),  # the narrower bound holds
    ],
)
def test_spans(text: str, expected: tuple[int, int | None]) -> None:
    """Bounds become a half-open range of seconds."""
    found = p.span(p.parse(text), "created")

    assert found is not None
    assert (found.start, None if found.end > 10**12 else found.end) == expected


@pytest.mark.parametrize("text", ["created[gt]=x", "created[]=1", "created=1.5", "created=", "created[since]=1"])
def test_bad_spans(text: str) -> None:
    """Anything else is refused."""
    with pytest.raises(StripeError):
        p.span(p.parse(text), "created")
