"""Reading JSON so that any database can keep it."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stripe_sync import jsontext

values = st.recursive(
    st.none() | st.booleans() | st.integers(min_value=-(2**60), max_value=2**60) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(value=values)
def test_plain_values_come_back(value: object) -> None:
    """What has nothing unstorable in it is read as it stands, however it is escaped."""
    clean = jsontext.parse(jsontext.dump(json.loads(json.dumps(value).replace("\\u0000", ""))).encode())

    assert jsontext.parse(json.dumps(clean).encode()) == clean
    assert jsontext.parse(json.dumps(clean, ensure_ascii=False).encode()) == clean


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b'"a\\u0000b"', "a\ufffdb"),
        (b'"a\\ud800b"', "a\ufffdb"),
        (b'"a\\uDC00b"', "a\ufffdb"),
        (b'"\\ud83d\\ude00"', "😀"),  # a pair is a character
        (b'{"k\\u0000": ["\\u0000"]}', {"k\ufffd": ["\ufffd"]}),
        (b'"\xff"', "\ufffd"),
    ],
)
def test_what_cannot_be_kept_is_replaced(body: bytes, value: object) -> None:
    """NUL, lone surrogates and broken UTF-8 become the replacement character, in keys too."""
    assert jsontext.parse(body) == value


@pytest.mark.parametrize("body", [b"", b"{", b"nope", b"\x00", b"[" * 200_000])
def test_what_is_no_json_is_an_error(body: bytes) -> None:
    """Anything else is a ValueError, also what is nested without end."""
    with pytest.raises(ValueError):  # noqa: PT011  every parser words it differently
        jsontext.parse(body)
