"""What is handed in, checked: every fault at once, each with a pointer to its field.

What passes comes back as another type, so that nothing behind this door asks again whether an address is one.
"""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import orjson

from engine.core.facts import JsonValue
from engine.email_address import normalize
from engine.faults import Fault, Invalid
from engine.ids import MemberId
from engine.inbox.models import AuthorKind, NewConversation, NewMessage, Sender
from engine.text import name_fault, text_fault

MAX_BODY = 500_000
MAX_SUBJECT = 2_000
MAX_NAME = 200
MAX_CHANNEL = 50
MAX_EXTERNAL_ID = 255
MAX_TAG = 100
MAX_TAGS = 50
MAX_ATTRIBUTES = 100
MAX_ATTRIBUTE_BYTES = 16_384
MAX_ATTRIBUTE_DEPTH = 5
RESERVED = "stripe_"
SKEW = timedelta(minutes=5)
"""How far ahead of ours another machine's clock may run."""
EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
INT64 = 2**63


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedConversation:
    """A conversation that can be stored."""

    inbox: str
    external_id: str
    channel: str
    sender: Sender
    subject: str | None
    body: str
    created_at: datetime
    attributes: Mapping[str, JsonValue]


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedMessage:
    """A message that can be stored."""

    external_id: str | None
    author_kind: AuthorKind
    author_name: str | None
    author_member_id: MemberId | None
    body: str
    created_at: datetime


def check_conversation(draft: NewConversation, now: datetime) -> CheckedConversation | Invalid:
    """Return the conversation in a form that can be stored, or everything that is wrong with it."""
    created_at = _instant(draft.created_at, now)
    sender = draft.sender
    faults = [
        *_present(
            name_fault("/external_id", draft.external_id, longest=MAX_EXTERNAL_ID),
            name_fault("/inbox", draft.inbox),
            name_fault("/channel", draft.channel, longest=MAX_CHANNEL),
            draft.subject and text_fault("/subject", draft.subject, longest=MAX_SUBJECT),
            text_fault("/body", draft.body, longest=MAX_BODY),
            created_at,
        ),
        *attribute_faults("/attributes", draft.attributes),
        *_sender_faults(sender),
    ]
    if faults or sender is None or isinstance(created_at, Fault):
        return Invalid(tuple(faults))
    return CheckedConversation(
        inbox=draft.inbox.strip(),
        external_id=draft.external_id,
        channel=draft.channel.strip(),
        sender=Sender(
            email=None if sender.email is None else sender.email.strip(),
            name=(sender.name or "").strip() or None,
            verified=sender.verified,
            attributes=dict(sender.attributes),
        ),
        subject=draft.subject,
        body=draft.body,
        created_at=created_at,
        attributes=dict(draft.attributes),
    )


def check_message(draft: NewMessage, now: datetime) -> CheckedMessage | Invalid:
    """Return the message in a form that can be stored, or everything that is wrong with it."""
    created_at = _instant(draft.created_at, now)
    faults = _present(
        draft.external_id is not None and name_fault("/external_id", draft.external_id, longest=MAX_EXTERNAL_ID),
        text_fault("/body", draft.body, longest=MAX_BODY, shortest=1),
        draft.author_name and text_fault("/author/name", draft.author_name, longest=MAX_NAME),
        created_at,
    )
    if faults or isinstance(created_at, Fault):
        return Invalid(tuple(faults))
    return CheckedMessage(
        external_id=draft.external_id,
        author_kind=draft.author_kind,
        author_name=(draft.author_name or "").strip() or None,
        author_member_id=draft.author_member_id,
        body=draft.body,
        created_at=created_at,
    )


def check_tags(pointer: str, tags: Iterable[str]) -> tuple[str, ...] | Invalid:
    """Return the tags stripped and each once, or what is wrong with them."""
    found = tuple(dict.fromkeys(tag.strip() for tag in tags))
    faults = _present(*(name_fault(f"{pointer}/{n}", tag, longest=MAX_TAG) for n, tag in enumerate(found)))
    if len(found) > MAX_TAGS:
        faults.append(Fault(pointer=pointer, message=f"A conversation has at most {MAX_TAGS} tags."))
    return Invalid(tuple(faults)) if faults else found


def attribute_faults(pointer: str, attributes: Mapping[str, JsonValue]) -> list[Fault]:
    """Return everything that keeps `attributes` from being stored."""
    faults: list[Fault] = []
    if len(attributes) > MAX_ATTRIBUTES:
        faults.append(Fault(pointer=pointer, message=f"At most {MAX_ATTRIBUTES} attributes are allowed."))
    for key, value in attributes.items():
        where = f"{pointer}/{_escaped(key)}"
        bad_key = name_fault(where, key)
        if bad_key is not None:
            faults.append(bad_key)
        elif key.startswith(RESERVED):
            faults.append(Fault(pointer=where, message=f"Names that start with {RESERVED} belong to the Stripe facts."))
        faults.extend(_value_faults(where, value, depth=1))
    if not faults and len(orjson.dumps(dict(attributes))) > MAX_ATTRIBUTE_BYTES:
        faults.append(Fault(pointer=pointer, message=f"Attributes take at most {MAX_ATTRIBUTE_BYTES:,} bytes as JSON."))
    return faults


def _sender_faults(sender: Sender | None) -> list[Fault]:
    if sender is None:
        message = "A conversation needs a sender; send an empty object if nothing is known about them."
        return [Fault(pointer="/sender", message=message)]
    return [
        *_present(
            sender.email is not None and _email_fault(sender.email),
            sender.name and text_fault("/sender/name", sender.name, longest=MAX_NAME),
        ),
        *attribute_faults("/sender/attributes", sender.attributes),
    ]


def _email_fault(email: str) -> Fault | None:
    pointer = "/sender/email"
    fault = text_fault(pointer, email, longest=MAX_SUBJECT)
    if fault is None and normalize(email) is None:
        message = "This is not one e-mail address, such as ada@example.com; leave it out if there is none."
        return Fault(pointer=pointer, message=message)
    return fault


def _instant(given: datetime | None, now: datetime) -> datetime | Fault:
    if given is None:
        return now
    pointer = "/created_at"
    try:
        instant = given.replace(tzinfo=UTC) if given.tzinfo is None else given.astimezone(UTC)
    except OverflowError:  # the year 1 or 9999, moved over the edge by its offset
        return Fault(pointer=pointer, message="This instant is out of range.")
    if instant > now + SKEW:
        return Fault(pointer=pointer, message="This lies in the future; check the sender's clock and time zone.")
    if instant < EARLIEST:
        return Fault(pointer=pointer, message="This lies before 1970.")
    return instant


def _value_faults(pointer: str, value: JsonValue, *, depth: int) -> Iterator[Fault]:
    if depth > MAX_ATTRIBUTE_DEPTH:
        yield Fault(pointer=pointer, message=f"Attributes are nested at most {MAX_ATTRIBUTE_DEPTH} deep.")
    elif isinstance(value, str):
        fault = text_fault(pointer, value, longest=MAX_ATTRIBUTE_BYTES)
        if fault is not None:
            yield fault
    elif isinstance(value, float) and not math.isfinite(value):
        yield Fault(pointer=pointer, message="NaN and infinity are not allowed.")
    elif isinstance(value, int) and not -INT64 <= value < INT64:
        yield Fault(pointer=pointer, message="Integers have at most 64 bits; send longer ones as text.")
    else:
        for inner, item in _parts(value):
            where = f"{pointer}/{_escaped(inner)}"
            fault = text_fault(where, inner, longest=MAX_NAME)
            if fault is not None:
                yield fault
            yield from _value_faults(where, item, depth=depth + 1)


def _parts(value: JsonValue) -> Iterable[tuple[str, JsonValue]]:
    if isinstance(value, list):
        return [(str(number), item) for number, item in enumerate(value)]
    return value.items() if isinstance(value, dict) else ()


def _escaped(key: str) -> str:
    # The pointer itself travels in the answer, so it must be text that can be sent.
    return key.replace("~", "~0").replace("/", "~1").encode(errors="backslashreplace").decode()[:MAX_NAME]


def _present(*candidates: object) -> list[Fault]:
    return [candidate for candidate in candidates if isinstance(candidate, Fault)]
