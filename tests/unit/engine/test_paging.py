"""The cursor of a list."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.inbox.paging import Cursor
from tests.unit.engine.factories import NOW


def test_a_cursor_survives_the_way() -> None:
    """What is encoded is decoded equal, and travels in a URL as it is."""
    cursor = Cursor(NOW.replace(microsecond=123), "cnv_1")

    assert Cursor.decode(cursor.encode()) == cursor
    assert cursor.encode().replace("-", "").replace("_", "").isalnum()


@pytest.mark.parametrize("text", ["", "x", "bm9uc2Vuc2U", "ä", "MjAyNi0xMS0yMHxjbnY", "////"])
def test_what_is_no_cursor_is_none(text: str) -> None:
    """A mangled cursor is an answerable mistake."""
    assert Cursor.decode(text) is None


def test_an_instant_out_of_range_is_none() -> None:
    """A forged cursor before the year 1 does not reach the database."""
    forged = base64.urlsafe_b64encode(b"0001-01-01T00:00:00+14:00|cnv_1").decode()

    assert Cursor.decode(forged) is None


@given(st.text())
def test_no_text_breaks_it(text: str) -> None:
    """Whatever is sent, decoding answers."""
    Cursor.decode(text)
