"""The shapes all resources share, and how instants, texts and pages travel."""

from datetime import UTC, date, datetime
from typing import Annotated, Any, Generic, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, JsonValue, WithJsonSchema

MAX_LIMIT = 200
DEFAULT_LIMIT = 50

T = TypeVar("T")

Attributes = dict[str, JsonValue]


def _instant(value: object) -> datetime:
    if not isinstance(value, str):
        raise ValueError("must be text such as 2026-11-20T12:00:00Z")  # noqa: TRY004 - pydantic reports ValueErrors
    try:
        instant = datetime.fromisoformat(value)
        date.fromisoformat(value[:10])
        return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError("must be an instant such as 2026-11-20T12:00:00Z") from None


Instant = Annotated[datetime, BeforeValidator(_instant), WithJsonSchema({"type": "string", "format": "date-time"})]
"""An instant as it comes in: ISO 8601; without an offset it is UTC."""

OutInstant = Annotated[str, WithJsonSchema({"type": "string", "format": "date-time"})]
"""An instant as it goes out: `YYYY-MM-DDTHH:MM:SSZ`."""


class In(BaseModel):
    """What comes in: a misspelt field is an error, not silence; text is not taken for a number."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Query(BaseModel):
    """What stands in the address: it is all text, so numbers and booleans are read from it."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Out(BaseModel):
    """What goes out."""

    model_config = ConfigDict(frozen=True)


class PageQuery(Query):
    """Which part of a list to return."""

    limit: int = Field(default=DEFAULT_LIMIT, ge=1, le=MAX_LIMIT, description="How many to return.")
    after: str | None = Field(default=None, description="The `next` of the page before.", max_length=500)


class PageOut(Out, Generic[T]):
    """One page of a list."""

    data: list[T]
    next: str | None = Field(description="Give it as `after` for the next page; null on the last.")


class IdPath(Query):
    """The id in the address."""

    id: str = Field(max_length=100)


class FaultOut(Out):
    """One thing wrong with the request."""

    pointer: str = Field(description="A JSON Pointer to the field.")
    message: str


class ProblemOut(Out):
    """An error, as RFC 9457 has it."""

    type: str
    title: str
    status: int
    detail: str
    request_id: str | None = None
    errors: list[FaultOut] | None = None


class DecisionLineOut(Out):
    """What a ruleset decides: the decision line."""

    matched: list[str]
    unknown: dict[str, list[str]]
    errors: list[dict[str, Any]]
    stopped_by: str | None
    fallback: bool
    shadow: list[str]
    actions: dict[str, Any]
