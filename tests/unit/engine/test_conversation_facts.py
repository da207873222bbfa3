"""The facts a conversation itself gives."""

from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from engine.core.business_hours import NINE_TO_FIVE, Block
from engine.core.conversation_facts import CONVERSATION_FACTS, ConversationState, conversation_facts
from engine.core.facts import FactCatalog, Reason
from tests.unit.engine.factories import NOW

UTC_ZONE = ZoneInfo("UTC")
FULL = ConversationState(
    channel="email",
    subject="Invoice",
    body="My card was declined.",
    sender_email="ada@example.com",
    sender_name="Ada",
    sender_verified=True,
    tags=("vip",),
    priority="high",
    assignee="grace@acme.com",
    team="billing",
    queue="onboarding",
    message_count=3,
    created_at=NOW,
    end_user_attributes={"tier": "gold", "seats": 3},
    attributes={"tier": "silver"},
)


def test_every_declared_fact_is_accounted_for() -> None:
    """Each fact of the catalog gets a value or a reason, and nothing else does."""
    empty = replace(FULL, subject=None, sender_email=None, sender_verified=None, team=None)
    for state in (FULL, empty):
        facts = conversation_facts(state, NOW, UTC_ZONE, NINE_TO_FIVE)

        assert {*facts.values, *facts.reasons} == {spec.name for spec in CONVERSATION_FACTS}


def test_catalog_is_sound() -> None:
    """No name is declared twice, each definition is one sentence, each example fits its closed set."""
    FactCatalog(CONVERSATION_FACTS)
    for spec in CONVERSATION_FACTS:
        assert spec.definition.endswith(".")
        assert spec.closed_set is None or spec.example in spec.closed_set


def test_what_is_not_given_is_unknown_with_a_reason() -> None:
    """A sender without address has neither address nor domain, and that is not an empty text."""
    facts = conversation_facts(replace(FULL, sender_email=None, subject=None), NOW, UTC_ZONE, NINE_TO_FIVE)

    assert {"sender_email", "sender_domain", "subject"} == set(facts.reasons)
    assert facts.reasons["sender_domain"] is Reason.NOT_APPLICABLE
    assert facts.get("sender_email") is None


def test_an_empty_subject_is_known() -> None:
    """An empty text that was given is a value."""
    assert conversation_facts(replace(FULL, subject=""), NOW, UTC_ZONE, NINE_TO_FIVE).get("subject") == ""


def test_conversation_attributes_lie_over_the_end_users() -> None:
    """Where both have a key, the conversation's value is seen."""
    facts = conversation_facts(FULL, NOW, UTC_ZONE, NINE_TO_FIVE)

    assert facts.get("attributes") == {"tier": "silver", "seats": 3}


@pytest.mark.parametrize(
    ("at", "zone", "weekday", "hour", "is_open"),
    [
        ("2026-11-20T12:00", "UTC", "friday", 12, True),
        ("2026-11-20T08:59", "UTC", "friday", 8, False),  # a minute too early
        ("2026-11-20T09:00", "UTC", "friday", 9, True),  # the start belongs to the block
        ("2026-11-20T17:00", "UTC", "friday", 17, False),  # the end does not
        ("2026-11-20T23:30", "Asia/Tokyo", "saturday", 8, False),  # already tomorrow there
        ("2026-11-22T22:30", "Pacific/Auckland", "monday", 11, True),  # Sunday in UTC, Monday morning there
        ("2026-11-23T04:00", "America/Los_Angeles", "sunday", 20, False),  # Monday in UTC, still Sunday there
        ("2026-03-29T01:30", "Europe/Vienna", "sunday", 3, False),  # after the clocks went forward
        ("2026-07-01T15:30", "Europe/Vienna", "wednesday", 17, False),  # summer time
        ("2026-12-01T15:30", "Europe/Vienna", "tuesday", 16, True),  # winter time
        ("2026-11-20T03:15", "Asia/Kathmandu", "friday", 9, True),  # a zone of quarter hours
    ],
)
def test_weekday_hour_and_business_hours(at: str, zone: str, weekday: str, hour: int, is_open: bool) -> None:  # noqa: FBT001  a table
    """They are those of the evaluation time in the workspace's zone."""
    now = datetime.fromisoformat(at).replace(tzinfo=UTC)
    facts = conversation_facts(FULL, now, ZoneInfo(zone), NINE_TO_FIVE)

    assert (facts.get("weekday"), facts.get("hour"), facts.get("within_business_hours")) == (weekday, hour, is_open)


def test_a_day_can_have_several_blocks_and_end_at_midnight() -> None:
    """Between two blocks it is closed; a block can last until the day is over."""
    hours = {"friday": (Block(9 * 60, 12 * 60), Block(22 * 60, 24 * 60))}
    at = [datetime(2026, 11, 20, hour, 59, tzinfo=UTC) for hour in (11, 12, 23)]

    opened = [conversation_facts(FULL, now, UTC_ZONE, hours).get("within_business_hours") for now in at]
    assert opened == [True, False, True]
