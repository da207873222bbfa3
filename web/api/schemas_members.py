"""The shapes of members."""

from typing import Literal

from pydantic import Field

from web.api.schemas import In, Out, OutInstant, PageOut


class MemberOut(Out):
    """A person who signs in."""

    id: str
    email: str
    name: str
    role: str
    active: bool = Field(description="False for one who was let out; their sign-ins and tokens are no longer good.")
    sees_billing: bool = Field(description="False for an agent who is barred from billing data.")
    created_at: OutInstant


class MembersOut(PageOut[MemberOut]):
    """The members of the workspace."""


class MemberChangeIn(In):
    """What to change of a member; what is left out stays."""

    role: Literal["owner", "admin", "agent"] | None = None
    active: bool | None = None
    sees_billing: bool | None = Field(default=None, description="Only agents can be barred from billing data.")
