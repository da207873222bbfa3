"""The shapes of exports and erasures."""

from typing import Any

from pydantic import BaseModel, Field


class ExportOut(BaseModel):
    """Everything that is kept of an end user."""

    exported_at: str
    end_user: dict[str, Any]
    conversations: list[dict[str, Any]] = Field(description="With their messages and the decisions about them.")
    stripe: dict[str, Any] = Field(description="Links, stored facts, and of each customer Stripe's objects and events.")


class ErasedCounts(BaseModel):
    """How much of what was removed."""

    conversations: int
    messages: int
    decisions: int
    customers: int = Field(description="Stripe customers taken out of the mirror: those who were nobody else's.")
    stripe_objects: int


class ErasedOut(BaseModel):
    """What an erasure removed."""

    id: str
    erased: ErasedCounts
