"""What is handed in, checked."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.faults import Invalid
from engine.inbox.checks import (
    MAX_TAGS,
    CheckedConversation,
    attribute_faults,
    check_conversation,
    check_message,
    check_tags,
)
from engine.inbox.models import AuthorKind, NewMessage, Sender
from tests.unit.engine.factories import NOW, a_draft


def test_a_good_conversation_passes() -> None:
    """Surrounding space goes, the address stays as written otherwise, the time is now where none was given."""
    checked = check_conversation(a_draft(sender=Sender(email="  Ada@Example.COM ", name=" Ada ")), NOW)

    assert isinstance(checked, CheckedConversation)
    assert (checked.sender.email, checked.sender.name, checked.created_at) == ("Ada@Example.COM", "Ada", NOW)


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"sender": None}, "/sender"),
        ({"sender": Sender(email="no address")}, "/sender/email"),
        ({"sender": Sender(email="")}, "/sender/email"),
        ({"sender": Sender(email="a@b.c\r\nBcc: all@b.c")}, "/sender/email"),  # a header injection
        ({"sender": Sender(email="a@b.c, d@e.f")}, "/sender/email"),
        ({"sender": Sender(email="Ada <ada@example.com>")}, "/sender/email"),
        ({"sender": Sender(email="a\x00@b.c")}, "/sender/email"),
        ({"sender": Sender(email="a@\ud800.c")}, "/sender/email"),
        ({"sender": Sender(name="\ud800")}, "/sender/name"),
        ({"sender": Sender(attributes={"stripe_id": "cus_1"})}, "/sender/attributes/stripe_id"),
        ({"external_id": ""}, "/external_id"),
        ({"external_id": "x" * 256}, "/external_id"),
        ({"external_id": "a\nb"}, "/external_id"),
        ({"inbox": " "}, "/inbox"),
        ({"channel": ""}, "/channel"),
        ({"subject": "a\x00b"}, "/subject"),
        ({"subject": "x" * 2_001}, "/subject"),
        ({"body": "lone \udc00 surrogate"}, "/body"),
        ({"body": "nul \x00 byte"}, "/body"),
        ({"body": "x" * 500_001}, "/body"),
        ({"created_at": NOW + timedelta(minutes=6)}, "/created_at"),
        ({"created_at": datetime(1969, 12, 31, tzinfo=UTC)}, "/created_at"),
        ({"created_at": datetime.max.replace(tzinfo=timezone(-timedelta(hours=12)))}, "/created_at"),
        ({"attributes": {"stripe_mrr": 1}}, "/attributes/stripe_mrr"),
        ({"attributes": {"a/b~c": "\x00"}}, "/attributes/a~1b~0c"),
        ({"attributes": {"deep": [{"er": "\ud800"}]}}, "/attributes/deep/0/er"),
        ({"attributes": {"\ud800": 1}}, "/attributes/\\ud800"),
        ({"attributes": {"n": 2**63}}, "/attributes/n"),
        ({"attributes": {"n": float("nan")}}, "/attributes/n"),
        ({"attributes": {"n": [[[[[1]]]]]}}, "/attributes/n/0/0/0/0/0"),
        ({"attributes": {"n": "x" * 17_000}}, "/attributes/n"),
        ({"attributes": {str(n): n for n in range(101)}}, "/attributes"),
        ({"attributes": {str(n): "x" * 1_000 for n in range(17)}}, "/attributes"),
    ],
)
def test_each_bad_field_is_named(changes: dict[str, Any], pointer: str) -> None:
    """A fault points at its field and can itself be sent."""
    result = check_conversation(a_draft(**changes), NOW)

    assert isinstance(result, Invalid)
    assert [fault.pointer for fault in result.faults] == [pointer]
    assert orjson.dumps([fault.pointer + fault.message for fault in result.faults])


def test_all_faults_at_once() -> None:
    """Five faults are five faults."""
    draft = a_draft("", channel="", body="\x00", sender=Sender(email="x"), created_at=NOW + timedelta(days=1))
    result = check_conversation(draft, NOW)

    assert isinstance(result, Invalid)
    assert len(result.faults) == 5


@pytest.mark.parametrize(
    ("email", "accepted"),
    [
        ("ada+billing@example.com", True),
        ("ADA@EXAMPLE.COM", True),
        ("ünïcode@exämple.com", True),
        ("ada@localhost", True),
        ("ada@exa mple.com", False),
        ("ada@@example.com", False),
        ("@example.com", False),
        ("ada@", False),
    ],
)
def test_addresses(email: str, accepted: bool) -> None:  # noqa: FBT001  a table
    """Odd but possible addresses pass, impossible ones do not."""
    assert isinstance(check_conversation(a_draft(sender=Sender(email=email)), NOW), CheckedConversation) is accepted


def test_a_clock_that_runs_ahead_a_little_is_forgiven() -> None:
    """Five minutes of skew are accepted; an instant without offset is UTC."""
    ahead = check_conversation(a_draft(created_at=NOW + timedelta(minutes=5)), NOW)
    naive = check_conversation(a_draft(created_at=datetime.fromisoformat("2026-11-20T11:00:00")), NOW)

    assert isinstance(ahead, CheckedConversation)
    assert isinstance(naive, CheckedConversation)
    assert naive.created_at == NOW - timedelta(hours=1)


def test_a_message_needs_a_text() -> None:
    """An empty message is a fault, an empty first text of a conversation is not."""
    result = check_message(NewMessage(body="  ", author_kind=AuthorKind.CUSTOMER), NOW)

    assert isinstance(result, Invalid)
    assert isinstance(check_conversation(a_draft(body=""), NOW), CheckedConversation)


def test_tags_are_stripped_and_each_once() -> None:
    """Repeated tags collapse; too many and unfit ones are faults."""
    assert check_tags("/tags", [" vip", "vip ", "billing"]) == ("vip", "billing")
    assert isinstance(check_tags("/tags", ["a\nb"]), Invalid)
    assert isinstance(check_tags("/tags", [""]), Invalid)
    assert isinstance(check_tags("/tags", [str(n) for n in range(MAX_TAGS + 1)]), Invalid)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(st.characters(), max_size=5), inner, max_size=3)
    ),
    max_leaves=10,
)


@given(st.dictionaries(st.text(st.characters(), max_size=10), json_values, max_size=5))
def test_what_passes_can_be_stored(attributes: dict[str, Any]) -> None:
    """Attributes without fault can be written as JSON that both databases keep."""
    if not attribute_faults("", attributes):
        assert b"\\u0000" not in orjson.dumps(attributes)


@given(st.text(st.characters()))
def test_no_address_breaks_the_check(email: str) -> None:
    """Whatever is sent as an address, the check answers."""
    check_conversation(a_draft(sender=Sender(email=email)), NOW)
