"""Did you mean: close names only, and fast."""

import time

import pytest

from rules.suggestions import closest
from web.facts import CATALOG


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("mmr", "mrr"),
        ("staus", "status"),
        ("stauts", "status"),  # swapped neighbours
        ("Status", "status"),
        ("sttripe_mrr", "stripe_mrr"),
        ("deliquent", "delinquent"),
        ("days_since_invoice_creatd", "days_since_invoice_created"),
        ("completely_else", None),
        ("x", None),
    ],
)
def test_the_closest_name_is_suggested(written: str, meant: str | None) -> None:
    """A slip of the finger is recognised, another word is not."""
    assert closest(written, CATALOG.names) == meant


def test_many_names_are_searched_quickly() -> None:
    """Twenty thousand names take no noticeable time."""
    names = [f"attribute_{number}" for number in range(20_000)]
    started = time.process_time()

    assert closest("atribute_19999x", names) == "attribute_19999"
    assert time.process_time() - started < 5
