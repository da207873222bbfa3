"""The shapes of the Stripe integration, end users and the catalog of facts."""

from typing import Any, Literal

from pydantic import Field

from rules.limits import MAX_CONDITION_BYTES
from web.api.schemas import Attributes, In, Out, OutInstant, PageOut, PageQuery, Query


class ConnectIn(In):
    """How to connect a Stripe account."""

    kind: Literal["oauth", "app", "restricted_key"]
    livemode: bool | None = Field(default=None, description="For oauth and app: live or test.")
    api_key: str | None = Field(default=None, max_length=500, description="For restricted_key.")
    webhook_secret: str | None = Field(default=None, max_length=500, description="For restricted_key.")


class ConnectionIn(In):
    """Which connection is meant."""

    connection: str = Field(max_length=100)


class AuthorizeOut(Out):
    """Where to send the browser."""

    authorize_url: str


class ConnectionOut(Out):
    """One Stripe account of the workspace."""

    id: str
    kind: str
    account_id: str
    livemode: bool
    status: str
    webhook_url: str
    backfill: dict[str, Any]
    last_event_at: OutInstant | None
    drift: int | None


class IntegrationOut(Out):
    """The Stripe accounts of the workspace."""

    connections: list[dict[str, Any]]


class CustomersQuery(Query):
    """What to look for among the customers."""

    q: str = Field(min_length=1, max_length=300, description="A customer id, or part of an address or name.")
    limit: int = Field(default=20, ge=1, le=200)


class CustomerHitOut(Out):
    """A customer that was found."""

    id: str
    connection: str
    email: str | None
    name: str | None
    livemode: bool
    url: str


class CustomerHitsOut(Out):
    """Customers that were found."""

    data: list[CustomerHitOut]
    next: str | None = None


class EndUsersQuery(PageQuery):
    """Which end users to list."""

    email: str | None = Field(default=None, max_length=400, description="Exactly this address, in any spelling of it.")
    when: str | None = Field(
        default=None,
        max_length=MAX_CONDITION_BYTES,
        description="A condition over Stripe's facts and `attributes`, as in a rule: those it is true of.",
    )


class EndUsersFileQuery(Query):
    """Which end users to write into a file."""

    when: str | None = Field(
        default=None, max_length=MAX_CONDITION_BYTES, description="A condition, as for the list; everybody if left out."
    )


class EndUserOut(Out):
    """A person who writes in, or a customer who may."""

    id: str
    email: str | None
    name: str | None
    billing: Literal["shown", "forbidden"] = Field(
        description="`forbidden` to a member barred from billing data: customers, facts and the like are empty."
    )
    customers: list[str]
    facts: dict[str, Any]
    reasons: dict[str, str] = Field(description="Why a fact has no value.")
    last_values: dict[str, Any] | None = Field(
        description="What was known before the connection ended, for people to look at; no rule sees it."
    )
    attributes: Attributes
    exported: dict[str, Any] = Field(description="The facts that have a value, named with the prefix `stripe_`.")
    created_at: OutInstant


class EndUsersOut(PageOut[EndUserOut]):
    """A page of end users."""

    evaluated: Literal["sql", "mixed"] | None = Field(
        default=None,
        description="Of `when`: `mixed` where the database can't say the condition exactly, which takes longer.",
    )


class FactOut(Out):
    """One fact of the catalog."""

    name: str
    names: list[str]
    type: str
    source: str
    unit: str | None
    definition: str
    example: Any
    values: list[str] | None = Field(description="Every value it can take, if that is a closed set.")


class FactsOut(Out):
    """The catalog of facts."""

    data: list[FactOut]
    next: str | None = None
