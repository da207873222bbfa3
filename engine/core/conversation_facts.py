"""The facts a conversation itself gives: their declarations, and the pure function that makes their values.

Missing text has no value (`not_applicable`), as everywhere: an unassigned conversation's `team` is unknown, and
`team == null` asks whether it is. `weekday`, `hour` and `within_business_hours` are of the time of evaluation,
in the workspace's zone; all datetimes stay in UTC.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from engine.core.business_hours import WEEKDAYS, BusinessHours, is_open, weekday_of
from engine.core.facts import Facts, FactSpec, FactType, FactValue, JsonValue, Reason, Source

PRIORITIES = ("low", "normal", "high", "urgent")


def _spec(  # noqa: PLR0913 - one argument for each column of the table below
    name: str,
    type_: FactType,
    definition: str,
    example: FactValue,
    *,
    closed_set: tuple[str, ...] | None = None,
    unit: str | None = None,
    optional: bool = False,
    minimum: int | None = None,
    maximum: int | None = None,
) -> FactSpec:
    return FactSpec(
        name=name,
        type=type_,
        source=Source.CONVERSATION,
        definition=definition,
        example=example,
        closed_set=closed_set,
        unit=unit,
        reasons=(Reason.NOT_APPLICABLE,) if optional else (),
        minimum=minimum,
        maximum=maximum,
    )


CONVERSATION_FACTS: tuple[FactSpec, ...] = (
    _spec("channel", FactType.STRING, "Where the conversation came in, as the help desk names it.", "email"),
    _spec("subject", FactType.STRING, "The subject line.", "Invoice question", optional=True),
    _spec("body", FactType.STRING, "The text of the newest message from the customer.", "My card was declined."),
    _spec(
        "sender_email",
        FactType.STRING,
        "The sender's e-mail address in its normal form: lower case, without surrounding space.",
        "ada@example.com",
        optional=True,
    ),
    _spec("sender_name", FactType.STRING, "The sender's name as given.", "Ada Lovelace", optional=True),
    _spec(
        "sender_domain", FactType.STRING, "The part of the sender's address after the @.", "example.com", optional=True
    ),
    _spec(
        "sender_verified",
        FactType.BOOLEAN,
        "The help desk vouches that the sender is who the address says.",
        True,
        optional=True,
    ),
    _spec("tags", FactType.STRINGS, "The tags on the conversation.", ("billing",)),
    _spec("priority", FactType.STRING, "The conversation's priority.", "normal", closed_set=PRIORITIES),
    _spec(
        "assignee",
        FactType.STRING,
        "The e-mail address of the agent it is assigned to.",
        "grace@acme.com",
        optional=True,
    ),
    _spec("team", FactType.STRING, "The name of the team it is assigned to.", "billing", optional=True),
    _spec("queue", FactType.STRING, "The name of the queue it waits in.", "onboarding", optional=True),
    _spec(
        "message_count",
        FactType.NUMBER,
        "How many messages customer and agents have written.",
        1,
        unit="messages",
        minimum=0,
    ),
    _spec("created_at", FactType.DATETIME, "When the conversation began.", datetime(2026, 11, 20, 12, 0, tzinfo=UTC)),
    _spec(
        "weekday",
        FactType.STRING,
        "The day of the week now, in the workspace's time zone.",
        "friday",
        closed_set=WEEKDAYS,
    ),
    _spec(
        "hour",
        FactType.NUMBER,
        "The hour of the day now, 0 to 23, in the workspace's time zone.",
        12,
        unit="hour",
        minimum=0,
        maximum=23,
    ),
    _spec(
        "within_business_hours",
        FactType.BOOLEAN,
        "Now lies within the workspace's business hours.",
        True,
    ),
    _spec(
        "attributes",
        FactType.MAPPING,
        "The end user's attributes, overlaid by the conversation's.",
        {"tier": "gold"},
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationState:
    """What the facts are made from: a conversation as it stands before any rule acts."""

    channel: str
    subject: str | None
    body: str
    sender_email: str | None
    """In normal form."""
    sender_name: str | None
    sender_verified: bool | None
    tags: tuple[str, ...]
    priority: str
    assignee: str | None
    team: str | None
    queue: str | None
    message_count: int
    created_at: datetime
    end_user_attributes: Mapping[str, JsonValue]
    attributes: Mapping[str, JsonValue]


def conversation_facts(state: ConversationState, now: datetime, zone: ZoneInfo, hours: BusinessHours) -> Facts:
    """Return every conversation fact of `state` at `now`; those without value are `not_applicable`."""
    local = now.astimezone(zone)
    found: dict[str, FactValue | None] = {
        "channel": state.channel,
        "subject": state.subject,
        "body": state.body,
        "sender_email": state.sender_email,
        "sender_name": state.sender_name,
        "sender_domain": None if state.sender_email is None else state.sender_email.rpartition("@")[2],
        "sender_verified": state.sender_verified,
        "tags": state.tags,
        "priority": state.priority,
        "assignee": state.assignee,
        "team": state.team,
        "queue": state.queue,
        "message_count": state.message_count,
        "created_at": state.created_at,
        "weekday": weekday_of(local),
        "hour": local.hour,
        "within_business_hours": is_open(hours, local),
        "attributes": {**state.end_user_attributes, **state.attributes},
    }
    return Facts(
        as_of=now,
        values={name: value for name, value in found.items() if value is not None},
        reasons={name: Reason.NOT_APPLICABLE for name, value in found.items() if value is None},
    )
